import {
  challengeHeader,
  type ItemResult,
  joinPath,
  keyPath,
  newKeyLabel,
  registrationsPath,
  reportPath,
  sequenceHeader,
  signatureLabel,
  signatureTag,
  signedComponents,
} from '../../shared/contracts/kiosk-sync.ts'
import { contentDigest } from '../../shared/http-signatures/content-digest.ts'
import {
  newKey,
  type PrivateJwk,
  privateKeyOf,
  publicPart,
  thumbprint,
} from '../../shared/http-signatures/ed25519.ts'
import { signMessage } from '../../shared/http-signatures/signature.ts'
import { exampleBody, type Received, send, type Testbed } from '../testbed.testing.ts'
import { createKioskDesk, type NewCode } from './desk.ts'

export const testEpoch = 'epoch-1'

interface SignOptions {
  sequence: number
  key: PrivateJwk
  newKey?: PrivateJwk
  challenge?: string
  components?: readonly string[]
  authority?: string
  signedPath?: string
}

/** The headers of a signed POST, right in every way but what the test changes. */
export function sign(port: number, path: string, body: string, options: SignOptions): Record<string, string> {
  const { sequence, key, newKey: next, challenge, authority = `127.0.0.1:${String(port)}` } = options
  const headers = {
    'content-type': 'application/json',
    'content-digest': contentDigest(body),
    [sequenceHeader]: String(sequence),
    ...(challenge !== undefined && { [challengeHeader]: challenge }),
  }
  const covered = challenge === undefined ? signedComponents : [...signedComponents, challengeHeader]
  const message = { method: 'POST', authority, path: options.signedPath ?? path, headers }
  const signing = (label: string, by: PrivateJwk) => ({
    label,
    privateKey: privateKeyOf(by),
    parameters: { keyid: thumbprint(by), tag: signatureTag },
  })
  const keys = [signing(signatureLabel, key), ...(next === undefined ? [] : [signing(newKeyLabel, next)])]
  return { ...headers, ...signMessage(message, options.components ?? covered, keys) }
}

/** A kiosk as the wire knows it: a key and a count. */
export class TestKiosk {
  readonly #port: number
  key = newKey()
  sequence = 0
  id = 0

  constructor(port: number) {
    this.#port = port
  }

  /** Sends text as it is, signed, under the next number unless told. */
  post(path: string, body: unknown, changes: Partial<SignOptions> = {}): Promise<Received> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const options = { sequence: changes.sequence ?? (this.sequence += 1), key: this.key, ...changes }
    return send(this.#port, { path, body: text, headers: sign(this.#port, path, text, options) })
  }

  async join(code: string, name?: string): Promise<Received> {
    const body = { code, publicKey: publicPart(this.key), name, version: '1.0.0' }
    const received = await this.post(joinPath, body, { sequence: 0 })
    if (received.status === 201) this.id = (JSON.parse(received.body) as { kioskId: number }).kioskId
    return received
  }

  batch(items: TestItem[], changes: Partial<SignOptions> = {}): Promise<Received> {
    return this.post(registrationsPath, { epoch: testEpoch, items }, changes)
  }

  /** The results of a batch that has to be taken. */
  async results(items: TestItem[]): Promise<ItemResult[]> {
    const { status, body } = await this.batch(items)
    if (status !== 200) throw new Error(`the batch was answered ${String(status)}: ${body}`)
    return (JSON.parse(body) as { results: ItemResult[] }).results
  }

  report(changes: Record<string, unknown> = {}, signing: Partial<SignOptions> = {}): Promise<Received> {
    const counts = { accepted: 0, delivered: 0, dead: 0, discarded: 0, pending: 0, documented: 0 }
    const report = { epoch: testEpoch, version: '1.0.0', highestSequence: 0, chainHead: null, ...counts }
    return this.post(reportPath, { ...report, ...changes }, signing)
  }

  rotate(next: PrivateJwk, changes: Partial<SignOptions> = {}): Promise<Received> {
    return this.post(keyPath, { publicKey: publicPart(next) }, { newKey: next, ...changes })
  }
}

export interface TestItem {
  sequence: number
  system: string
  idempotencyKey: string
  body: string
  consentText?: string
}

/** The example client as the n-th registration: another client and another card for each n. */
export function item(n: number, changes: Record<string, unknown> = {}): TestItem {
  const tarjeta = (0x10000000 + n).toString(16).toUpperCase()
  const body = { codigoClienteVLT: n, dni: String(n), tarjeta, ...changes }
  return {
    sequence: n,
    system: 'vlt-clients',
    idempotencyKey: `key-${String(n)}`,
    body: JSON.stringify(exampleBody(body)),
  }
}

export async function newCode(bed: Testbed, changes: Partial<NewCode> = {}): Promise<string> {
  const wanted = { name: undefined, kioskId: undefined, activates: true, livesMs: 60_000, ...changes }
  return (await createKioskDesk(bed, bed.clock).makeCode(wanted)).code
}

/** A kiosk that has joined and may deliver. */
export async function joinedKiosk(bed: Testbed): Promise<TestKiosk> {
  const kiosk = new TestKiosk(bed.port)
  const { status } = await kiosk.join(await newCode(bed))
  if (status !== 201) throw new Error('the kiosk did not join')
  return kiosk
}
