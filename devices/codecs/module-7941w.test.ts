import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalise } from '../normalise.ts'
import { hexBytes, toHex, xor } from './bytes.ts'
import { anyBytes, cuts, decode, everyCut, framesIn, holds, join, rejectionsIn } from './codec.testing.ts'
import { askLfId, askUid, moduleCodec, readModuleAnswer, type ModuleFrame } from './module-7941w.ts'

/** readers.md 1i; the second is the product page's. */
test('a question ends in the XOR of what follows its header', () => {
  expect(toHex(askUid)).toBe('ABBA00100010')
  expect(toHex(askLfId)).toBe('ABBA00150015')
  // The page's own sample of the same rule: writing a UID.
  const sample = hexBytes('AB BA 00 11 04 6D E9 5C 17 DA')
  expect(xor(sample.subarray(2))).toBe(0)
})

/** Built from the layout: no capture of an answer is public. */
const uidAnswer = hexBytes('CD DC 00 81 04 A0C2BBCA 96')
const lfAnswer = hexBytes('CD DC 00 81 05 2E00B6A302 BD')
const noCard = hexBytes('CD DC 00 80 00 80')

const frameOf = (status: number, hex: string): ModuleFrame => ({ address: 0, status, data: hexBytes(hex) })

describe('an answer', () => {
  test.each([
    [uidAnswer, frameOf(0x81, 'A0C2BBCA')],
    [lfAnswer, frameOf(0x81, '2E00B6A302')],
    [noCard, frameOf(0x80, '')],
  ])('%o is one frame however it is cut', (bytes, frame) => {
    for (const sizes of everyCut(join(bytes, bytes))) {
      expect(decode(moduleCodec(), join(bytes, bytes), sizes)).toEqual([{ frame }, { frame }])
    }
  })

  test.each([
    ['a wrong XOR', 'CD DC 00 81 04 A0C2BBCA 97', ['frame-checksum:10']],
    ['an XOR that counts the header in', 'CD DC 00 81 04 A0C2BBCA 87', ['frame-checksum:10']],
    ['a question', 'AB BA 00 10 00 10', ['frame-garbled:6']],
    ['longer data than any', 'CD DC 00 81 13', ['frame-garbled:5']],
    ['half a frame', 'CD DC 00 81 04 A0C2', ['frame-incomplete:7']],
    ['half a header', 'CD', ['frame-incomplete:1']],
  ])('is none with %s', (_, hex, expected) => {
    const decoded = decode(moduleCodec(), hexBytes(hex))
    expect(framesIn(decoded)).toEqual([])
    expect(rejectionsIn(decoded)).toEqual(expected)
  })

  test('may be as long as a block', () => {
    const body = join(hexBytes('00 81 12'), new Uint8Array(18).fill(0x11))
    const bytes = join(hexBytes('CD DC'), body, Uint8Array.of(xor(body)))
    expect(framesIn(decode(moduleCodec(), bytes))).toEqual([frameOf(0x81, '11'.repeat(18))])
  })

  test('that stops is given up after 50 ms, or what is set, and by a reset', () => {
    for (const [codec, dueMs] of [
      [moduleCodec(), 50],
      [moduleCodec(20), 20],
    ] as const) {
      codec.push(uidAnswer.subarray(0, 6), 0)
      expect(codec.dueMs).toBe(dueMs)
      expect(rejectionsIn(codec.push(noCard, dueMs))).toEqual(['frame-incomplete:6'])
      codec.push(uidAnswer.subarray(0, 3), 100)
      expect(rejectionsIn(codec.reset())).toEqual(['frame-incomplete:3'])
      expect(framesIn(codec.push(uidAnswer, 100))).toHaveLength(1)
    }
  })
})

describe('what it says', () => {
  test('is the UID, with the checksum that was right', () => {
    expect(readModuleAnswer(frameOf(0x81, 'A0C2BBCA'), 'uid')).toEqual({
      card: { payload: 'A0C2BBCA', form: 'bytes', proof: 'checksum', technology: 'iso14443a' },
    })
    expect(readModuleAnswer(frameOf(0x81, '041F38D29A5B80'), 'uid')).toMatchObject({
      card: { payload: '041F38D29A5B80' },
    })
  })

  test('is the id of a 125 kHz card', () => {
    expect(readModuleAnswer(frameOf(0x81, '2E00B6A302'), 'lf-id')).toEqual({
      card: { payload: '2E00B6A302', form: 'bytes', proof: 'checksum', technology: 'lf' },
    })
  })

  test('is a part of a longer UID where the module did not read on', () => {
    const answer = readModuleAnswer(frameOf(0x81, '88043B0F'), 'uid')
    const card = 'card' in answer ? answer.card : null
    expect(card && normalise(card, { format: 'hex', byteOrder: 'as-sent' })).toMatchObject({
      identity: 'truncated',
    })
  })

  test('is that there is no card', () => {
    expect(readModuleAnswer(frameOf(0x80, ''), 'uid')).toEqual({ card: null })
    expect(readModuleAnswer(frameOf(0x80, '01'), 'lf-id')).toEqual({ card: null })
  })

  test.each([
    ['uid', 0x82, 'A0C2BBCA', 'answer-failed'],
    ['uid', 0x00, '', 'answer-failed'],
    ['uid', 0x81, '', 'answer-malformed'],
    ['uid', 0x81, 'A0C2BB', 'answer-malformed'],
    ['uid', 0x81, '2E00B6A302', 'answer-malformed'],
    ['lf-id', 0x81, 'A0C2BBCA', 'answer-malformed'],
  ] as const)('to %s with status %i and %j is %s', (asked, status, hex, code) => {
    expect(readModuleAnswer(frameOf(status, hex), asked)).toEqual({ code })
  })
})

function build({ address, status, data }: ModuleFrame): Uint8Array {
  const body = Uint8Array.of(address, status, data.length, ...data)
  return join(Uint8Array.of(0xcd, 0xdc), body, Uint8Array.of(xor(body)))
}

const anyFrame = fc.record({
  address: fc.nat(255),
  status: fc.constantFrom(0x80, 0x81),
  data: fc.uint8Array({ maxLength: 18 }),
})

test('every frame is found between noise that starts like none', () => {
  const noise = anyBytes.map((bytes) => bytes.filter((byte) => byte !== 0xcd))
  fc.assert(
    fc.property(fc.array(fc.tuple(noise, anyFrame), { maxLength: 6 }), cuts, (parts, sizes) => {
      const stream = join(...parts.flatMap(([before, frame]) => [before, build(frame)]))
      expect(framesIn(decode(moduleCodec(), stream, sizes))).toEqual(parts.map(([, frame]) => frame))
    }),
  )
})

test('noise is never a frame that does not stand in it, and is the same in pieces', () => {
  const nasty = fc.array(fc.constantFrom(0xcd, 0xdc, 0x00, 0x81, 0x80, 0x04), { maxLength: 40 })
  const damaged = fc
    .tuple(anyFrame, fc.nat(24), fc.nat(255))
    .map(([frame, place, value]) => build(frame).map((byte, index) => (index === place ? value : byte)))
  const part = fc.oneof(
    anyBytes,
    nasty.map((bytes) => Uint8Array.from(bytes)),
    damaged,
    anyFrame.map(build),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), cuts, (parts, sizes) => {
      const stream = join(...parts)
      const decoded = decode(moduleCodec(), stream, sizes)
      expect(decoded).toEqual(decode(moduleCodec(), stream))
      for (const frame of framesIn(decoded)) expect(holds(stream, build(frame))).toBe(true)
    }),
  )
})

test('one wrong bit is never another frame', () => {
  fc.assert(
    fc.property(anyFrame, fc.nat(24), fc.nat(7), (frame, place, bit) => {
      const damaged = build(frame).map((byte, index) => (index === place ? byte ^ (1 << bit) : byte))
      // A length that grew smaller may by chance leave a right checksum: one byte stands for the lost ones.
      fc.pre(place !== 4)
      for (const found of framesIn(decode(moduleCodec(), damaged))) {
        expect(holds(build(frame), build(found)) || place >= build(frame).length).toBe(true)
      }
    }),
  )
})

test('noise is bounded and reported', () => {
  const codec = moduleCodec()
  expect(rejectionsIn(codec.push(new Uint8Array(10_240 + 24).fill(0xcd), 0))).toHaveLength(10)
  expect(framesIn(codec.push(uidAnswer, 1))).toHaveLength(1)
})
