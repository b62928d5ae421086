import { sql } from 'kysely'
import { joinPath } from '../../shared/contracts/kiosk-sync.ts'
import { type PrivateJwk, publicPart } from '../../shared/http-signatures/ed25519.ts'
import { type Golden, readGoldens } from '../golden.testing.ts'
import { send, type Testbed } from '../testbed.testing.ts'
import { codeIndex, createKioskDesk } from './desk.ts'
import { sign } from './kiosk.testing.ts'
import { insertCode } from './store.ts'

/** Published test keys, nobody's: RFC 8037, appendix A.1, and RFC 9421, appendix B.1.4. */
export const goldenKeys = {
  kiosk: {
    kty: 'OKP',
    crv: 'Ed25519',
    d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  },
  next: {
    kty: 'OKP',
    crv: 'Ed25519',
    d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
    x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
  },
} as const satisfies Record<string, PrivateJwk>
type KeyName = keyof typeof goldenKeys

/** Where the golden requests go to. */
export const goldenUrl = 'https://kiosk.example.com'

interface Code {
  code: string
  name?: string
  kioskId?: number
  activates: boolean
}

/** A request sent before. */
interface Before {
  path: string
  sequence: number
  body: unknown
  /** Signs too. */
  newKey?: KeyName
}

export interface Setup {
  /** Settings, as flags. */
  flags?: Record<string, unknown>
  destination?: false
  /** A kiosk that has joined with the key `kiosk`. */
  kiosk?: 'active' | 'pending'
  /** The operator has made them; they live for a minute. */
  codes?: Code[]
  before?: Before[]
  revoked?: true
  /** Takes a table away, so that storing fails. */
  broken?: true
  /** How much later the request comes. */
  laterMs?: number
}

/** What a kiosk signs, line by line. */
interface Vector {
  sequence: number
  challenge?: string
  key: KeyName
  /** Signs too. */
  newKey?: KeyName
  /** One for each signature, in their order. */
  bases: string[][]
}

/** With a vector where the request is signed as it has to be. */
export const goldens = readGoldens<Setup>(import.meta.url) as (Golden<Setup> & { vector?: Vector })[]

export async function prepare(bed: Testbed, setup: Setup): Promise<void> {
  const { kiosk, codes = [], before = [] } = setup
  if (kiosk !== undefined) {
    await addCode(bed, { code: 'KIOSK', name: 'Lobby north', activates: kiosk === 'active' })
    const body = { code: 'KIOSK', publicKey: publicPart(goldenKeys.kiosk), version: '1.0.0' }
    await sendBefore(bed, { path: joinPath, sequence: 0, body })
  }
  for (const code of codes) await addCode(bed, code)
  for (const request of before) await sendBefore(bed, request)
  if (setup.revoked === true) await createKioskDesk(bed, bed.clock).revoke(1)
  if (setup.broken === true) await sql`drop table consents`.execute(bed.database.db)
  bed.clock.advance(setup.laterMs ?? 0)
}

async function addCode(bed: Testbed, { code, name, kioskId, activates }: Code): Promise<void> {
  await bed.database.transact((tx) =>
    insertCode(tx, {
      code_index: codeIndex(bed.vault, code),
      name: name ?? null,
      kiosk_id: kioskId ?? null,
      activates: activates ? 1 : 0,
      expires_at: new Date(Date.parse(bed.clock.now()) + 60_000).toISOString(),
      used_by: null,
    }),
  )
}

async function sendBefore({ port }: Testbed, { path, sequence, body, newKey }: Before): Promise<void> {
  const text = JSON.stringify(body)
  const next = newKey === undefined ? {} : { newKey: goldenKeys[newKey] }
  const headers = sign(port, path, text, { sequence, key: goldenKeys.kiosk, ...next })
  await send(port, { path, body: text, headers })
}

/** A challenge is made with a key of the server's own. */
export function named(text: string): string {
  return text.replace(/"challenge":"[\w-]{43}"/, '"challenge":"{challenge}"')
}
