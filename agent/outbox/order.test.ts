import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { Outbox } from './outbox.ts'

/** The first pending row of each client, in turn. */
function expected(pending: readonly { seq: number; subject: string }[]): number[] {
  const seen = new Set<string>()
  return pending.flatMap(({ seq, subject }) => {
    if (seen.has(subject)) return []
    seen.add(subject)
    return [seq]
  })
}

test('rows keep their turn, whether they are in memory, filed, filed in part or read again', () => {
  const act = fc.constantFrom('append', 'append', 'append', 'deliver', 'file', 'reopen')
  const step = fc.record({ act, pick: fc.nat(5), count: fc.integer({ min: 1, max: 300 }) })
  fc.assert(
    fc.property(fc.array(step, { minLength: 3, maxLength: 12 }), (steps) => {
      const folder = mkdtempSync(join(tmpdir(), 'vlt-order-'))
      let outbox = Outbox.open(folder, systemClock)
      let pending: { seq: number; id: string; subject: string }[] = []
      try {
        for (const { act, pick, count } of steps) {
          if (act === 'append') {
            const rows = Array.from({ length: count }, (_, row) => ({
              subject: String((row * pick) % 7),
              body: JSON.stringify({ row: randomUUID() }),
            }))
            const { highestSeq } = outbox.watermark()
            outbox.appendOnce(
              rows.map((row) => ({ system: 'vlt-clients', card: '', readerId: null, ...row })),
            )
            const fresh = outbox.page(highestSeq, count)
            pending.push(...fresh.map(({ seq, id }, row) => ({ seq, id, subject: rows[row]?.subject ?? '' })))
          } else if (act === 'deliver') {
            const sent = outbox.nextBatch(200, [], [])
            outbox.settleAll(sent.map(({ id }) => ({ id, state: 'delivered', receipt: '{}' })))
            pending = pending.filter(({ id }) => !sent.some((row) => row.id === id))
          } else if (act === 'file') outbox.upkeep.fileOldest()
          else {
            outbox[Symbol.dispose]()
            outbox = Outbox.open(folder, systemClock)
          }
          expect(outbox.nextBatch(200, [], []).map(({ seq }) => seq)).toEqual(expected(pending))
        }
      } finally {
        outbox[Symbol.dispose]()
        rmSync(folder, { recursive: true })
      }
    }),
    { numRuns: 30 },
  )
}, 120_000)
