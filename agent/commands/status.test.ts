import { expect, test } from 'vitest'
import type { ReaderFault, ReaderState, ReaderStatus } from '../../devices/reader-status.ts'
import type { AgentStatus } from '../status.ts'
import { check } from './status.ts'

const reader = (state: ReaderState, code?: ReaderFault['code']): ReaderStatus => ({
  id: 'hid-keyboard:ffff:0035',
  driver: 'hid-keyboard',
  state,
  since: '2026-03-01T12:00:00.000Z',
  lastTapAt: null,
  lastTapWorth: null,
  taps: 0,
  identities: {},
  rejected: {},
  fault: code === undefined ? null : { code, hint: '' },
  opens: 1,
})

const queue = { deadLetters: 0 } as AgentStatus['queue']

test.each([
  ['a reader that is ready', [reader('ready')], 0],
  ['one of two that is ready', [reader('ready'), reader('absent', 'reader-not-found')], 0],
  ['no reader that is ready', [reader('absent', 'reader-busy')], 5],
  ['no reader at all', [], 5],
  ['a reader that types into this machine', [reader('ready', 'reader-leaking')], 5],
  ['one of two that does', [reader('ready'), reader('ready', 'reader-leaking')], 5],
])('monitoring is told of %s', (_, readers, code) => {
  expect(check({ running: true, queue, readers })).toBe(code)
  expect(check({ running: true, queue: { ...queue, deadLetters: 1 }, readers })).toBe(9)
  expect(check({ running: false, queue, readers })).toBe(4)
})
