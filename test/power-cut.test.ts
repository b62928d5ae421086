import { randomBytes, randomInt } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Outbox } from '../agent/outbox/outbox.ts'
import { systemClock } from '../shared/clock.ts'
import { temporaryFolder } from './lobby.ts'

/** Simulated power cuts; a large run has 1,000 (`npm run crash -- --cuts 1000`). */
const cuts = Number(process.env['POWER_CUTS'] ?? 100)
/** More would fit into no write-ahead log: so checkpoints are hit too. */
const accepts = 1_500

interface Snapshot {
  database: Buffer
  log: Buffer
  mark: Buffer
}

function snapshot(data: string): Snapshot {
  const read = (name: string): Buffer =>
    existsSync(join(data, name)) ? readFileSync(join(data, name)) : Buffer.alloc(0)
  return { database: read('outbox.db'), log: read('outbox.db-wal'), mark: read('outbox.db-mark') }
}

/**
 * What a file may be after a cut: all that was synced (`before`), and of what was written since (`after`) a part, or
 * garbage in its place.
 */
function torn(before: Buffer, after: Buffer, isGarbled: boolean): Buffer {
  let first = 0
  while (first < before.length && first < after.length && before[first] === after[first]) first += 1
  const longest = Math.max(before.length, after.length)
  if (first === longest) return before
  const cut = first + randomInt(longest - first + 1)
  const written = after.subarray(first, cut)
  const lost = isGarbled ? randomBytes(written.length) : written
  return Buffer.concat([before.subarray(0, first), lost, before.subarray(first + lost.length)])
}

test(
  `${String(cuts)} power cuts between two syncs: no accepted registration is lost, changed or doubled`,
  { timeout: 3_600_000 },
  async () => {
    using folder = temporaryFolder('power-cut')
    const data = join(folder.path, 'agent')
    const outbox = Outbox.open(data, systemClock)
    const keys: string[] = []
    const append = (): void => {
      const row = String(keys.length)
      const registration = { system: 'vlt-clients', subject: row, card: row, readerId: null } as const
      keys.push(outbox.append({ ...registration, body: `{"row":${row}}` }).idempotencyKey)
    }
    const seen = { kept: 0, gone: 0, checkpoints: 0 }

    for (let cut = 0; cut < cuts; cut++) {
      const until = Math.floor(((cut + 1) * accepts) / cuts)
      while (keys.length < until) append()
      // Now and then the cut hits an answer being noted instead of an accept.
      const before = snapshot(data)
      const accepted = keys.length
      if (cut % 4 === 3) outbox.markDelivered(outbox.list(1)[0]?.id ?? '', '{"id":1}')
      else append()
      const after = snapshot(data)

      const place = join(folder.path, 'cut')
      mkdirSync(place)
      cpSync(join(data, 'outbox-keys.json'), join(place, 'outbox-keys.json'))
      const isCheckpoint = !before.database.equals(after.database)
      if (isCheckpoint) seen.checkpoints += 1
      // A checkpoint begins when the log is synced: then it is the database that may be torn.
      const log = isCheckpoint ? after.log : torn(before.log, after.log, cut % 2 === 1)
      writeFileSync(join(place, 'outbox.db-wal'), log)
      writeFileSync(join(place, 'outbox.db'), torn(before.database, after.database, false))
      // Never synced: it may be old.
      writeFileSync(join(place, 'outbox.db-mark'), cut % 3 === 0 ? before.mark : after.mark, { mode: 0o600 })

      using again = Outbox.open(place, systemClock)
      expect(again.recovery).toBeUndefined()
      const found = again.page(0, 2 * accepts).map(({ idempotencyKey }) => idempotencyKey)
      expect(found.slice(0, accepted)).toEqual(keys.slice(0, accepted))
      expect(found.length - accepted).toBeLessThanOrEqual(1)
      expect(new Set(found).size).toBe(found.length)
      expect((await again.upkeep.verify()).problems).toEqual([])
      if (found.length > accepted) seen.kept += 1
      else seen.gone += 1
      again[Symbol.dispose]()
      rmSync(place, { recursive: true })
    }
    outbox[Symbol.dispose]()
    console.log(
      `${String(cuts)} power cuts: 0 accepted lost, 0 doubled; what was being written was whole ${String(seen.kept)} ` +
        `times, gone ${String(seen.gone)} times; ${String(seen.checkpoints)} cuts in a checkpoint`,
    )
    expect(seen.kept).toBeGreaterThan(0)
    expect(seen.gone).toBeGreaterThan(0)
  },
)
