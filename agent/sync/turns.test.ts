import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Clock } from '../../shared/clock.ts'
import { systemClock } from '../../shared/clock.ts'
import { Outbox } from '../outbox/outbox.ts'
import type { StoredRegistration } from '../outbox/registration.ts'
import { Turns } from './turns.ts'

let now = 0
const clock: Clock = { now: () => '', monoMs: () => now, sleep: () => Promise.resolve() }
let folder: string
let outbox: Outbox
let turns: Turns
beforeEach(() => {
  now = 1_000
  folder = mkdtempSync(join(tmpdir(), 'turns-'))
  outbox = Outbox.open(folder, systemClock)
  turns = new Turns(outbox, clock)
})
afterEach(() => {
  outbox[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

const accept = (card: string, subject = card): StoredRegistration =>
  outbox.append({ system: 'vlt-clients', subject, card, body: '{}', readerId: null })
const next = (): string[] => turns.next(10, false).map(({ id }) => id)

test('a rest that is over between two looks at the clock is slept through by nobody', () => {
  const { id } = accept('A1')
  turns.keepAway(id, 500)
  now += 499.9
  expect(next()).toEqual([])
  now += 0.2
  expect(turns.wakeAtMonoMs).toBeCloseTo(1_500)
  expect(next()).toEqual([id])
  expect(turns.wakeAtMonoMs).toBe(Number.POSITIVE_INFINITY)
})

test('who was asked to stay away does, whatever a person wants; a rest of ours ends', () => {
  const [asked, blamed, other] = [accept('A1'), accept('A2'), accept('A3')]
  turns.keepAway(asked.id, 10_000)
  turns.suspect(asked.id)
  turns.suspect(blamed.id)
  outbox.markDelivered(other.id, '{}')
  turns.settled([other])
  expect(next()).toEqual([])
  turns.tryAll()
  expect(next()).toEqual([blamed.id])
  now += 10_000
  expect(next().toSorted()).toEqual([asked.id, blamed.id].toSorted())
})

test('a scout goes after the ninth failure in a row, at once or not at all', () => {
  const [bad, waiting] = [accept('A1', 'one client'), accept('A2', 'one client')]
  const fail = (): boolean => {
    expect(next()).toEqual([bad.id])
    turns.suspect(bad.id)
    return turns.sendScout([bad])
  }
  for (let failures = 1; failures < 9; failures++) expect(fail()).toBe(false)
  expect(fail()).toBe(true)
  expect(next()).toEqual([waiting.id])
  // The server was not reached.
  expect(turns.sendScout([])).toBe(false)
  turns.recallScout()
  expect(fail()).toBe(true)
  expect(next()).toEqual([waiting.id])
  turns.suspect(waiting.id)
  expect(turns.sendScout([waiting])).toBe(false)
  expect(fail()).toBe(true)
  expect(next()).toEqual([waiting.id])
  outbox.markDelivered(waiting.id, '{}')
  turns.settled([waiting])
  expect(outbox.get(bad.id).failures).toBe(1)
})
