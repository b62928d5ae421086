import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { Outbox } from './outbox.ts'
import type { StoredRegistration } from './registration.ts'
import { fillLevels, type Fill, type Limits } from './room.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'room-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const withCode = (code: string) => expect.objectContaining({ code }) as unknown as Error
const open = (limits: Partial<Limits>): Outbox =>
  Outbox.open(folder, systemClock, { limits: { minFreeBytes: 0, ...limits } })

function append(outbox: Outbox, bytes = 10): StoredRegistration {
  const body = JSON.stringify('x'.repeat(bytes))
  return outbox.append({ system: 'vlt-clients', subject: '', card: '', body, readerId: null })
}

test('by rows: warns from 70 %, alarms from 90 %, refuses at 100 %, drops nothing, and goes back down', () => {
  const expected: Record<number, Fill['level']> = { 6: 'ok', 7: 'warn', 8: 'warn', 9: 'alarm', 10: 'full' }
  using outbox = open({ maxRows: 10 })
  const rows: StoredRegistration[] = []
  while (rows.length < 10) {
    rows.push(append(outbox))
    const { level, percent } = outbox.fill()
    expect({ level, percent }).toEqual({
      level: expected[rows.length] ?? 'ok',
      percent: 10 * rows.length,
    })
  }
  expect(() => append(outbox)).toThrow(withCode('outbox-full'))
  expect(() =>
    outbox.appendOnce([{ system: 'vlt-clients', subject: '', card: '', body: '{}', readerId: null }]),
  ).toThrow(withCode('outbox-full'))
  expect(outbox.page(0, 100)).toEqual(rows)

  // A dead letter waits too, for a person; what is delivered does not.
  const [first, second, third, ...others] = rows.map(({ id }) => id)
  outbox.markDead(first ?? '', 'rejected-invalid', null)
  expect(() => append(outbox)).toThrow(withCode('outbox-full'))
  outbox.markDelivered(second ?? '', '{}')
  expect(outbox.fill()).toMatchObject({ level: 'alarm', percent: 90, rows: 9, maxRows: 10 })
  outbox.letters.discard(first ?? '', 'test')
  expect(outbox.fill().level).toBe('warn')
  for (const id of [third, ...others]) outbox.markDelivered(id ?? '', '{}')
  expect(outbox.fill()).toMatchObject({ level: 'ok', percent: 0 })
  append(outbox)
})

test('by bytes: the same, and room is there again once what was delivered is gone', () => {
  using outbox = open({ maxBytes: 1024 * 1024 })
  const levels: Fill['level'][] = []
  const rows: StoredRegistration[] = []
  const fillUp = (): void => {
    for (;;) {
      rows.push(append(outbox, 3_000))
      levels.push(outbox.fill().level)
    }
  }
  expect(fillUp).toThrow(withCode('outbox-full'))
  expect([...new Set(levels)]).toEqual(fillLevels)
  expect(outbox.fill()).toMatchObject({ level: 'full', percent: 100 })
  expect(outbox.page(0, 10_000)).toEqual(rows)

  outbox.settleAll(rows.map(({ id }) => ({ id, state: 'delivered', receipt: '{}' })))
  while (outbox.upkeep.forgetDelivered(0) > 0);
  expect(outbox.fill().level).toBe('ok')
  append(outbox, 3_000)
})

test('a disk below its floor is full for everybody, whatever the outbox holds', () => {
  using outbox = open({ minFreeBytes: Number.MAX_SAFE_INTEGER })
  expect(outbox.fill()).toMatchObject({ level: 'full', percent: 100, rows: 0 })
  expect(() => append(outbox)).toThrow(withCode('disk-full'))
})
