import { describe, expect, test } from 'vitest'
import { ascii, decode, rejectionsIn } from './codec.testing.ts'
import { HuntingCodec, type Grammar, type Match } from './hunting.ts'

/** `<…>` of up to eight bytes; a `!` inside makes its checksum wrong; dots between frames mean nothing. */
const brackets: Grammar<string> = {
  maxBytes: 8,
  padding: 0x2e,
  match(bytes): Match<string> {
    const text = String.fromCharCode(...bytes)
    if (!text.startsWith('<')) return 'none'
    const end = text.indexOf('>')
    if (end === -1) return 'more'
    const content = text.slice(1, end)
    return content.includes('!')
      ? { length: end + 1, code: 'frame-checksum' }
      : { length: end + 1, frame: content }
  },
}

const short = (text: string): string[] =>
  decode(new HuntingCodec(brackets, 50), ascii(text)).map((outcome) =>
    'frame' in outcome ? outcome.frame : `${outcome.rejected.code}:${String(outcome.rejected.bytes)}`,
  )

describe('hunting', () => {
  test.each([
    ['<a><b>', ['a', 'b']],
    ['x<a>yz<b>', ['frame-garbled:1', 'a', 'frame-garbled:2', 'b']],
    ['<a>..<b>..', ['a', 'b']],
    // A false start that never ends is given up when it is as long as any frame, and no sooner.
    ['<1234567', ['frame-garbled:8']],
    ['<123456>', ['123456']],
    ['<1234567>', ['frame-garbled:9']],
    ['<1234<a>', ['1234<a']],
    ['<12345678<a>', ['frame-garbled:9', 'a']],
    // What is wrong is reported once, and what begins inside it is found.
    ['<!>', ['frame-checksum:3']],
    ['<!<a>', ['frame-checksum:5', 'a']],
    ['<!<!<a>', ['frame-checksum:7', 'frame-checksum:5', 'a']],
    ['x<!>y', ['frame-garbled:1', 'frame-checksum:3', 'frame-garbled:1']],
    ['<!>.<', ['frame-checksum:3', 'frame-incomplete:1']],
    ['.x.<a', ['frame-garbled:1', 'frame-incomplete:2']],
  ])('in %j finds %j', (text, expected) => {
    expect(short(text)).toEqual(expected)
  })
})

test('noise is reported every 1024 bytes, and its rest with what ends it', () => {
  const codec = new HuntingCodec(brackets, 50)
  expect(rejectionsIn(codec.push(new Uint8Array(1_023), 0))).toEqual([])
  expect(rejectionsIn(codec.push(new Uint8Array(2), 0))).toEqual(['frame-garbled:1024'])
  expect(rejectionsIn(codec.push(ascii('<a>'), 0))).toEqual(['frame-garbled:1'])
})

test('silence is counted from the last byte, and is not looked for where nothing is held', () => {
  const codec = new HuntingCodec(brackets, 50)
  expect(codec.dueMs).toBeUndefined()
  codec.push(ascii('<'), 0)
  codec.push(ascii('a'), 49)
  expect(codec.dueMs).toBe(99)
  expect(codec.push(ascii('>'), 98)).toEqual([{ frame: 'a' }])
  expect(codec.dueMs).toBeUndefined()
  expect(codec.idle(1_000)).toEqual([])
})
