import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { createLog } from '../../shared/log.ts'
import { outboxPath } from './folder.ts'
import { Outbox } from './outbox.ts'
import type { NewRegistration } from './registration.ts'
import { SteppingClock } from './stepping-clock.testing.ts'
import { tendOutbox } from './tend.ts'

vi.setConfig({ testTimeout: 120_000 })

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs
const yearsMs = 10 * 365 * dayMs

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'upkeep-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const registration = (subject: string, bytes = 20): NewRegistration => ({
  ...{ system: 'vlt-clients', subject, card: subject, readerId: null },
  body: JSON.stringify({ subject, text: 'x'.repeat(bytes) }),
})

test('after a drain the file shrinks, in pieces between which taps go on', async () => {
  const rows = 24_000
  using outbox = Outbox.open(folder, systemClock)
  for (let row = 0; row < rows; row += 200)
    outbox.appendOnce(Array.from({ length: 200 }, (_, place) => registration(String(row + place), 1_000)))
  for (let batch = outbox.nextBatch(200, [], []); batch.length > 0; batch = outbox.nextBatch(200, [], []))
    outbox.settleAll(batch.map(({ id }) => ({ id, state: 'delivered', receipt: '{"id":1}' })))
  const size = (): number => statSync(outboxPath(folder)).size
  const full = size()

  let taps = 0
  const tap = (): void => void outbox.append(registration(`tap ${String(taps++)}`))
  while (outbox.upkeep.forgetDelivered(0) > 0) tap()
  let pieces = 1
  for (; outbox.upkeep.giveBack(); pieces++) tap()
  expect(size()).toBeLessThan(full / 3)
  // No piece is so large that a tap would have to wait for it.
  expect(pieces).toBeGreaterThanOrEqual((full - size()) / (8 * 1024 * 1024))
  expect(taps).toBeGreaterThan(rows / 200)
  expect(statSync(`${outboxPath(folder)}-wal`).size).toBeLessThanOrEqual(8 * 1024 * 1024)
  expect(outbox.counts()).toMatchObject({ delivered: rows, pending: taps })
  expect((await outbox.upkeep.verify()).problems).toEqual([])
})

test('a day after its delivery a row is receipt and keyed hash, after 400 days it is gone, whatever the wall clock does', async () => {
  const clock = new SteppingClock()
  const stop = new AbortController()
  using outbox = Outbox.open(folder, clock)
  const rows = ['1', '2', '3', '4', '5'].map((subject) => outbox.append(registration(subject)))
  const [given = '', ...taken] = rows.slice(0, 4).map(({ id }) => id)
  outbox.markDead(given, 'rejected-invalid', null)
  outbox.letters.discard(given, 'moved away')
  for (const id of taken) outbox.markDelivered(id, '{"id":1}')
  const accepted = { delivered: 3, discarded: 1, pending: 1, dead: 0, lost: 0 }
  const bodies = (): string[] => outbox.page(0, 10).map(({ body }) => body)
  const proofs = async (): Promise<void> => {
    const { problems, ...found } = await outbox.upkeep.verify()
    expect(problems).toEqual([])
    expect(found).toMatchObject({ accepted: 5, ...accepted })
    expect(outbox.watermark()).toMatchObject({ accepted: 5, ...accepted, chainHead: found.chainHead })
  }
  const whole = rows.map(({ body }) => body)

  const tending = tendOutbox(outbox, clock, createLog('test', 'fatal'), stop.signal)
  try {
    for (const jump of [yearsMs, 0, -yearsMs, yearsMs]) {
      clock.wallJumpMs = jump
      await clock.pass(hourMs)
      expect(bodies()).toEqual(whole)
    }
    clock.stall(19 * hourMs)
    await clock.pass(58 * 60_000)
    expect(bodies()).toEqual(whole)
    await clock.pass(3 * 60_000)
    expect(bodies()).toEqual(['{}', '{}', '{}', '{}', whole[4]])
    expect(outbox.get(taken[0] ?? '')).toMatchObject({ state: 'delivered', receipt: '{"id":1}' })
    expect(outbox.get(given)).toMatchObject({ state: 'discarded', discardReason: 'moved away' })
    await proofs()

    clock.wallJumpMs = -yearsMs
    clock.stall(398 * dayMs)
    clock.wallJumpMs = yearsMs
    await clock.pass(23 * hourMs)
    expect(outbox.page(0, 10)).toHaveLength(5)
    await clock.pass(2 * hourMs)
    expect(outbox.page(0, 10).map(({ id }) => id)).toEqual([rows[4]?.id])
    expect(() => outbox.get(given)).toThrow(
      expect.objectContaining({ code: 'registration-unknown' }) as Error,
    )
    await proofs()
  } finally {
    stop.abort()
    await tending
  }
})

test('what is left of a row stays while an older one waits: the chain has no holes', async () => {
  using outbox = Outbox.open(folder, systemClock)
  const [first = '', second = '', third = ''] = ['1', '2', '3'].map(
    (subject) => outbox.append(registration(subject)).id,
  )
  outbox.append(registration('4'))
  outbox.markDelivered(second, '{}')
  outbox.markDelivered(third, '{}')
  outbox.upkeep.forgetDelivered(0)
  expect(outbox.upkeep.forgetTombstones(0)).toBe(0)
  outbox.markDelivered(first, '{}')
  outbox.upkeep.forgetDelivered(0)
  expect(outbox.upkeep.forgetTombstones(0)).toBe(3)
  expect((await outbox.upkeep.verify()).problems).toEqual([])
  expect(outbox.watermark()).toMatchObject({ accepted: 4, delivered: 3, pending: 1 })
})
