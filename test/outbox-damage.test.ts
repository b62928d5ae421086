import {
  cpSync,
  openSync,
  closeSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Outbox } from '../agent/outbox/outbox.ts'
import type { StoredRegistration } from '../agent/outbox/registration.ts'
import { systemClock } from '../shared/clock.ts'
import { AppError } from '../shared/errors.ts'
import { temporaryFolder } from './lobby.ts'

/** Damaged outboxes; a large run has 1,000 (`npm run crash -- --damages 1000`). */
const damages = Number(process.env['DAMAGES'] ?? 40)
const rows = 400
const files = ['outbox.db', 'outbox.db-wal']

/** What number `seq` sends. */
function bodyOf(seq: number): string {
  return JSON.stringify({ seq, text: 'x'.repeat(seq % 700) })
}

/** Rows of every kind. Left open, so that the write-ahead log is full; answers what is true of it. */
function fill(data: string): { outbox: Outbox; truth: Map<string, StoredRegistration> } {
  const outbox = Outbox.open(data, systemClock)
  for (let row = 0; row < rows; row++) {
    const { id } = outbox.append({
      ...{ system: 'vlt-clients', subject: String(row % 300), card: String(row), readerId: null },
      body: bodyOf(row + 1),
    })
    if (row % 5 === 1) outbox.markDelivered(id, JSON.stringify({ id: row }))
    if (row % 50 === 2) outbox.markDead(id, 'rejected-invalid', null)
    if (row === 200) outbox.upkeep.forgetDelivered(0)
  }
  return { outbox, truth: new Map(outbox.page(0, rows).map((row) => [row.idempotencyKey, row])) }
}

/** What the agent does: damage that is only found when it is idle is salvaged by its next start. */
function openAndMend(data: string): Outbox {
  const outbox = Outbox.open(data, systemClock)
  try {
    for (let from: number | undefined = 0; from !== undefined;) from = outbox.upkeep.mend(from)
    return outbox
  } catch (error) {
    outbox[Symbol.dispose]()
    if (!(error instanceof AppError && error.code === 'outbox-corrupt')) throw error
    return openAndMend(data)
  }
}

/** Turns over bits, garbles a stretch or a page, or cuts the end off. */
function damage(path: string, kind: 'bits' | 'stretch' | 'page' | 'cut', seed: number): void {
  const { size } = statSync(path)
  const at = seed % size
  const file = openSync(path, 'r+')
  const length = { bits: 1, stretch: 64, page: 4096, cut: 0 }[kind]
  const bytes = Buffer.alloc(Math.min(length, size - at))
  readSync(file, bytes, 0, bytes.length, at)
  for (const [index, byte] of bytes.entries()) bytes[index] = byte ^ (((seed >> 3) % 255) + 1)
  writeSync(file, bytes, 0, bytes.length, at)
  closeSync(file)
  if (kind === 'cut') writeFileSync(path, readFileSync(path).subarray(0, at))
}

test(
  `${String(damages)} outboxes with random damage: each goes on, and accepted = salvaged + told as lost`,
  { timeout: 3_600_000 },
  async () => {
    using folder = temporaryFolder('outbox-damage')
    const whole = join(folder.path, 'whole')
    const { outbox, truth } = fill(whole)
    // An agent comes to this after every tap: the mark is then written.
    await nextTurn()
    const closed = join(folder.path, 'closed')
    cpSync(whole, closed, { recursive: true })
    Outbox.open(closed, systemClock)[Symbol.dispose]()
    let round = 0
    let told = 0

    const hit = fc.record({
      file: fc.constantFrom(...files),
      kind: fc.constantFrom('bits', 'bits', 'bits', 'stretch', 'page', 'cut'),
      seed: fc.nat(),
    })
    fc.assert(
      fc.property(fc.boolean(), fc.array(hit, { minLength: 1, maxLength: 4 }), (isClosed, hits) => {
        const data = join(folder.path, `round-${String(round++)}`)
        cpSync(isClosed ? closed : whole, data, { recursive: true })
        for (const { file, kind, seed } of hits) {
          const path = join(data, file)
          if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) damage(path, kind, seed)
        }
        using damaged = openAndMend(data)
        const found = damaged.page(0, 2 * rows).filter(({ state }) => state !== 'lost')
        const { accepted, delivered, dead, discarded, pending, lost } = damaged.watermark()
        told += lost
        expect(accepted).toBe(rows)
        expect(found.length + lost).toBe(rows)
        expect(delivered + dead + discarded + pending + lost).toBe(rows)
        for (const row of found) {
          const was = truth.get(row.idempotencyKey)
          expect(row.seq).toBe(was?.seq)
          if (row.state === 'pending') expect(row.body).toBe(bodyOf(row.seq))
          // Whatever damage says, nobody has settled what was pending.
          if (was?.state === 'pending') expect(row.state).toBe('pending')
        }
        for (const row of damaged.nextBatch(200, [], [])) expect(row.body).toBe(bodyOf(row.seq))
        damaged.append({ system: 'vlt-clients', subject: 'new', card: 'new', body: '{}', readerId: null })
        expect(damaged.list(1)[0]?.seq).toBe(rows + 1)
      }),
      { numRuns: damages },
    )
    console.log(
      `${String(round)} damaged outboxes of ${String(rows)} rows, ${String(told)} rows told as lost`,
    )
    // Damage that costs nothing proves nothing.
    expect(told).toBeGreaterThan(0)
    outbox[Symbol.dispose]()
  },
)
