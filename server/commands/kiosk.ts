import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { fingerprint } from '../../shared/http-signatures/ed25519.ts'
import { createKioskDesk } from '../kiosks/desk.ts'
import type { Surroundings } from '../serve.ts'
import { onCore } from './on-core.ts'
import { readRowId } from './row-id.ts'
import { table } from './table.ts'

const maxNameLength = 100
const minuteMs = 60_000
const defaultLife = '30m'
const units: Record<string, number> = { m: minuteMs, h: 60 * minuteMs, d: 24 * 60 * minuteMs }
const longestLifeMs = 30 * 24 * 60 * minuteMs

/** `vlt-server kiosk …` */
export function addKiosk(program: Command, surroundings: Surroundings): void {
  const { print, errorStream } = surroundings
  const kiosk = program
    .command('kiosk')
    .description('lobby machines that hand over their backlog under a key of their own')

  const code = kiosk
    .command('code')
    .description('make a one-time code for `vlt-agent join` and print it, this once')
    .option('--name <name>', `what the kiosk is called, 1 to ${String(maxNameLength)} characters`)
    .option('--kiosk <id>', 'for a kiosk that is to join again under its id: new disk, locked, revoked')
    .option('--expires <time>', `life of the code: 30m, 2h, 7d; at most 30d (default ${defaultLife})`)
    .option('--activate', 'the kiosk may deliver at once; without, `kiosk activate` lets it')
    .option('--json', 'print {"code": …, "expiresAt": …}')
  onCore(code, surroundings, async (core, { name, kiosk: id, expires, activate, json }) => {
    const made = await createKioskDesk(core, systemClock).makeCode({
      name: readName(name),
      kioskId: typeof id === 'string' ? readRowId(id, 'vlt-server kiosk list') : undefined,
      activates: activate === true,
      livesMs: readLife(expires),
    })
    print(json === true ? JSON.stringify(made) : made.code)
    errorStream.write(`Good for one kiosk until ${made.expiresAt}; it is not shown again.\n`)
  })

  const list = kiosk
    .command('list')
    .description('list kiosks: state, fingerprint of the key, when last seen, what they still hold')
    .option('--json', 'print [{id, name, state, fingerprint, version, joinedAt, lastSeenAt, report}]')
  onCore(list, surroundings, async (core, { json }) => {
    const kiosks = (await createKioskDesk(core, systemClock).list()).map((one) => ({
      id: one.id,
      name: one.name,
      state: one.state,
      fingerprint: fingerprint({ kty: 'OKP', crv: 'Ed25519', x: one.public_key }),
      version: one.version,
      joinedAt: one.joined_at,
      lastSeenAt: one.last_seen_at,
      report: one.report ?? null,
    }))
    if (json === true) print(JSON.stringify(kiosks, null, 2))
    else {
      const rows = kiosks.map((one) => [
        ...[one.id, one.name, one.state, one.fingerprint, one.version, one.lastSeenAt ?? 'never'],
        ...[one.report?.pending ?? '', one.report?.dead ?? ''],
      ])
      const titles = ['ID', 'NAME', 'STATE', 'FINGERPRINT', 'VERSION', 'LAST SEEN', 'PENDING', 'DEAD']
      for (const line of table(titles, rows)) print(line)
    }
  })

  const activate = kiosk
    .command('activate')
    .description('let a pending kiosk deliver, once its fingerprint is the one that the machine shows')
    .argument('<id>', 'id of the kiosk, as `kiosk list` shows it')
  onCore(activate, surroundings, async (core, _flags, [operand]) => {
    const id = readRowId(operand, 'vlt-server kiosk list')
    const changed = await createKioskDesk(core, systemClock).activate(id)
    print(`kiosk ${String(id)} ${changed ? 'is active' : 'was active before'}`)
  })

  const revoke = kiosk
    .command('revoke')
    .description('refuse a kiosk from its next request on, on every instance; what it holds stays with it')
    .argument('<id>', 'id of the kiosk, as `kiosk list` shows it')
  onCore(revoke, surroundings, async (core, _flags, [operand]) => {
    const id = readRowId(operand, 'vlt-server kiosk list')
    const changed = await createKioskDesk(core, systemClock).revoke(id)
    print(`kiosk ${String(id)} ${changed ? 'is revoked' : 'was revoked before'}`)
  })
}

function readName(value: unknown): string | undefined {
  if (value === undefined) return undefined
  const name = typeof value === 'string' ? value.trim() : ''
  if (name === '' || name.length > maxNameLength || /[\p{Cc}\p{Cs}]/u.test(name)) {
    throw new AppError('usage', `--name must be a line of 1 to ${String(maxNameLength)} characters`)
  }
  return name
}

function readLife(value: unknown): number {
  const text = typeof value === 'string' ? value : defaultLife
  const [, number = '', unit = ''] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? []
  const lifeMs = Number(number) * (units[unit] ?? 0)
  if (lifeMs <= 0 || lifeMs > longestLifeMs) {
    throw new AppError('usage', '--expires must be a time such as 30m, 2h or 7d, at most 30d')
  }
  return lifeMs
}
