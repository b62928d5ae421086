import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { Outbox } from './outbox.ts'

let folder: string
let outbox: Outbox
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'behind-'))
  outbox = Outbox.open(folder, systemClock)
})
afterEach(() => {
  outbox[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

const accept = (subject: string, card: string): string =>
  outbox.append({ system: 'vlt-clients', subject, card, body: '{}', readerId: null }).id
const behind = (...passed: string[]): string | undefined => outbox.behind(passed, passed)?.id
/** Puts all that were accepted so far among the indexes of the file: see order.ts. */
const fileAll = (): void => {
  for (let n = 0; n < 600; n++) outbox.markDelivered(accept(`filler ${String(n)}`, ''), '{}')
}

test.each([
  ['in memory', () => undefined],
  ['in the file', fileAll],
])('the first that waits for a row alone, %s, is of its client or card', (_where, file) => {
  const first = accept('ana', 'A1')
  accept('berta', 'B1')
  const sameCard = accept('carla', 'A1')
  const sameClient = accept('ana', 'A2')
  file()
  expect(behind(first)).toBe(sameCard)
  expect(outbox.behind([first], [first, sameCard])?.id).toBe(sameClient)
  expect(outbox.behind([first], [first], ['vlt-clients'])).toBeUndefined()
})

test.each([
  ['in memory', () => undefined],
  ['in the file', fileAll],
])('who waits for another one as well, %s, is behind both alone', (_where, file) => {
  const [first, second, both] = [accept('ana', 'A1'), accept('berta', 'B1'), accept('ana', 'B1')]
  file()
  expect(behind(first)).toBeUndefined()
  expect(behind(first, second)).toBe(both)
  outbox.markDelivered(second, '{}')
  expect(behind(first)).toBe(both)
  outbox.markDelivered(both, '{}')
  expect(behind(first)).toBeUndefined()
})
