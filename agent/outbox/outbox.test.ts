import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { openHeld } from './database.ts'
import { outboxPath } from './folder.ts'
import { Outbox } from './outbox.ts'
import type { NewRegistration } from './registration.ts'

let folder: string
let outbox: Outbox

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  outbox = Outbox.open(folder, systemClock)
})
afterEach(() => {
  outbox[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

function registration(subject: string, card: string = randomUUID()): NewRegistration {
  return {
    system: 'vlt-clients',
    subject,
    card,
    body: `{"client":"${subject}"}`,
    readerId: 'simulated:lobby',
  }
}

function reopen(): void {
  outbox[Symbol.dispose]()
  outbox = Outbox.open(folder, systemClock)
}

describe('durability', () => {
  test('synchronous is FULL in WAL after writes, on a new file and on every later open', () => {
    outbox[Symbol.dispose]()
    for (let open = 0; open < 3; open++) {
      Outbox.open(folder, systemClock)[Symbol.dispose]()
      const database = openHeld(outboxPath(folder))
      database.exec(`UPDATE outbox SET opened_at = 'x'`)
      expect(database.pragma('synchronous', { simple: true })).toBe(2)
      expect(database.pragma('journal_mode', { simple: true })).toBe('wal')
      database.close()
    }
    outbox = Outbox.open(folder, systemClock)
  })

  test('what was appended is there after closing and opening again, under the same key', () => {
    const stored = outbox.append(registration('70'))
    reopen()
    expect(outbox.get(stored.id)).toEqual(stored)
  })

  test('the data belongs to this user alone', () => {
    expect(statSync(folder).mode & 0o077).toBe(0)
    expect(statSync(outboxPath(folder)).mode & 0o077).toBe(0)
  })
})

describe('order', () => {
  test('the oldest goes first', () => {
    const first = outbox.append(registration('1'))
    outbox.append(registration('2'))
    expect(outbox.next([], [])?.id).toBe(first.id)
  })

  test('a row somebody waits for goes before the backlog', () => {
    outbox.append(registration('1'))
    const live = outbox.append(registration('2'))
    expect(outbox.next([], [live.id])?.id).toBe(live.id)
  })

  test('a row that failed on its own goes after those that did not', () => {
    const bad = outbox.append(registration('1'))
    const good = outbox.append(registration('2'))
    expect(outbox.blame(bad.id)).toBe(1)
    expect(outbox.next([], [])?.id).toBe(good.id)
  })

  test('a later row of one client waits for the earlier one, even when somebody waits for it', () => {
    const first = outbox.append(registration('1'))
    const second = outbox.append(registration('1'))
    expect(outbox.next([first.id], [second.id])).toBeUndefined()
    outbox.markDelivered(first.id, '{}')
    expect(outbox.next([], [])?.id).toBe(second.id)
  })

  test('a later row of one card waits for the earlier one, whoever the client is', () => {
    const first = outbox.append(registration('1', 'A0C2BBCA'))
    const second = outbox.append(registration('2', 'A0C2BBCA'))
    expect(outbox.next([first.id], [second.id])).toBeUndefined()
    outbox.markDelivered(first.id, '{}')
    expect(outbox.next([], [])?.id).toBe(second.id)
  })

  test('a row that keeps failing alone releases the later ones of its client', () => {
    const bad = outbox.append(registration('1'))
    const second = outbox.append(registration('1'))
    for (let failure = 0; failure < 5; failure++) outbox.blame(bad.id)
    expect(outbox.next([], [])?.id).toBe(second.id)
  })
})

describe('batches', () => {
  test('a batch holds the first rows in turn, one for each client and each card', () => {
    const first = outbox.append(registration('1', 'A0C2BBCA'))
    outbox.append(registration('1'))
    outbox.append(registration('2', 'A0C2BBCA'))
    const third = outbox.append(registration('3'))
    const live = outbox.append(registration('4'))
    const batch = outbox.nextBatch(10, [], [live.id])
    expect(batch.map(({ id }) => id)).toEqual([live.id, first.id, third.id])
    expect(outbox.nextBatch(2, [first.id], [])).toHaveLength(2)
  })

  test('registrations without a card do not wait for each other', () => {
    for (const subject of ['1', '2', '3']) outbox.append(registration(subject, ''))
    expect(outbox.nextBatch(10, [], [])).toHaveLength(3)
  })

  test('a batch is settled as one', () => {
    const [a, b, c] = ['1', '2', '3'].map((subject) => outbox.append(registration(subject)).id)
    outbox.settleAll([
      { id: a ?? '', state: 'delivered', receipt: '{"id":1}' },
      { id: b ?? '', state: 'dead', error: 'rejected-invalid', receipt: null },
      { id: c ?? '', state: 'pending', error: 'server-failed' },
    ])
    expect(outbox.watermark()).toMatchObject({
      epoch: outbox.epoch,
      highestSeq: 3,
      ...{ accepted: 3, delivered: 1, dead: 1, discarded: 0, pending: 1 },
    })
    expect(outbox.get(c ?? '')).toMatchObject({ attempts: 1, lastError: 'server-failed' })
  })
})

describe('states', () => {
  test('a dead letter is not sent until a person retries it, and keeps its key', () => {
    const { id, idempotencyKey } = outbox.append(registration('1'))
    outbox.markDead(id, 'rejected-invalid', '{"message":"no"}')
    expect(outbox.next([], [])).toBeUndefined()
    expect(outbox.get(id)).toMatchObject({ state: 'dead', lastError: 'rejected-invalid', attempts: 1 })
    outbox.letters.retry(id)
    expect(outbox.next([], [])).toMatchObject({ id, idempotencyKey, failures: 0 })
  })

  test('only a dead letter can be discarded, and it stays with its reason', () => {
    const { id } = outbox.append(registration('1'))
    expect(() => {
      outbox.letters.discard(id, 'test')
    }).toThrow(expect.objectContaining({ code: 'registration-settled' }))
    outbox.markDead(id, 'rejected-invalid', null)
    outbox.letters.discard(id, 'client left')
    expect(outbox.get(id)).toMatchObject({ state: 'discarded', discardReason: 'client left' })
    expect(outbox.letters.retryAll()).toBe(0)
  })

  test('a delivered row cannot be sent or discarded again', () => {
    const { id } = outbox.append(registration('1'))
    outbox.markDelivered(id, '{"id":1}')
    expect(() => {
      outbox.letters.retry(id)
    }).toThrow(expect.objectContaining({ code: 'registration-settled' }))
    outbox.markDead(id, 'rejected-invalid', null)
    expect(outbox.get(id)).toMatchObject({ state: 'delivered', receipt: '{"id":1}' })
  })

  test('a registration is found by the code that the kiosk page shows', () => {
    const { id } = outbox.append(registration('1'))
    for (let other = 0; other < 50; other++) outbox.append(registration('2'))
    expect(outbox.find(id.slice(0, 6).toUpperCase()).id).toBe(id)
    expect(outbox.find(id).id).toBe(id)
    expect(() => outbox.find(id.slice(0, 3))).toThrow(
      expect.objectContaining({ code: 'registration-unknown' }),
    )
    expect(() => outbox.find('%%%%%%')).toThrow(expect.objectContaining({ code: 'registration-unknown' }))
  })

  test('some time after delivery the client’s data goes, and the proof stays', () => {
    const { id } = outbox.append(registration('70'))
    const waiting = outbox.append(registration('71'))
    outbox.markDelivered(id, '{"id":1}')
    expect(outbox.upkeep.forgetDelivered(60_000)).toBe(0)
    expect(outbox.upkeep.forgetDelivered(0)).toBe(1)
    expect(outbox.upkeep.forgetDelivered(0)).toBe(0)
    expect(outbox.get(id)).toMatchObject({ state: 'delivered', body: '{}', receipt: '{"id":1}' })
    expect(outbox.get(waiting.id).body).toContain('71')
  })

  test('a list can be read page by page', () => {
    const seqs = Array.from({ length: 7 }, (_, index) => outbox.append(registration(String(index))).seq)
    const pages = [outbox.list(3), outbox.list(3, seqs[4]), outbox.list(3, seqs[1])]
    expect(pages.flat().map(({ seq }) => seq)).toEqual(seqs.toReversed())
  })

  test('an unknown id is told apart', () => {
    expect(() => outbox.get('nobody')).toThrow(expect.objectContaining({ code: 'registration-unknown' }))
  })

  test('whatever happens, accepted = pending + delivered + dead + discarded, and keys are unique', () => {
    const step = fc.record({
      act: fc.constantFrom('append', 'deliver', 'bury', 'retry', 'discard', 'fail', 'blame', 'reopen'),
      pick: fc.nat(30),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        let accepted = outbox.page(0, 1_000).length
        for (const { act, pick } of steps) {
          const rows = outbox.page(0, 1_000)
          const row = rows[pick % Math.max(rows.length, 1)]
          if (act === 'append') {
            outbox.append(registration(String(pick % 4)))
            accepted++
          } else if (act === 'reopen') reopen()
          else if (row !== undefined) {
            if (act === 'deliver') outbox.markDelivered(row.id, '{}')
            else if (act === 'bury') outbox.markDead(row.id, 'rejected-invalid', null)
            else if (act === 'fail') outbox.recordAttempt(row.id, 'server-timeout')
            else if (act === 'blame') outbox.blame(row.id)
            else if (act === 'retry' && row.state === 'dead') outbox.letters.retry(row.id)
            else if (act === 'discard' && row.state === 'dead') outbox.letters.discard(row.id, 'test')
          }
        }
        const { pending, delivered, dead, discarded } = outbox.counts()
        expect(pending + delivered + dead + discarded).toBe(accepted)
        expect(new Set(outbox.page(0, 1_000).map(({ idempotencyKey }) => idempotencyKey)).size).toBe(accepted)
      }),
      { numRuns: 40 },
    )
  })
})
