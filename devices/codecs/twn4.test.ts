import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalise } from '../normalise.ts'
import { ascii, decode, everyCut, framesIn } from './codec.testing.ts'
import { LineCodec } from './line.ts'
import {
  beep,
  getVersionString,
  isDone,
  led,
  ledBlink,
  readTag,
  readVersionString,
  searchTag,
  setRfOff,
  setTagTypes,
} from './twn4.ts'

/** readers.md 1h. */
test.each([
  ['GetVersionString', getVersionString, '0004FF'],
  ['SetTagTypes, MIFARE only', setTagTypes(0, 1), '05020000000001000000'],
  ['SetTagTypes, all', setTagTypes(0xffffffff, 0x80000001), '0502FFFFFFFF01000080'],
  ['SearchTag, 16 bytes', searchTag(0x10), '050010'],
  ['SearchTag, 255 bytes', searchTag(0xff), '0500FF'],
  ['SetRFOff', setRfOff, '0501'],
  ['Beep 60 %, 2400 Hz, 60 ms', beep(60, 2_400, 60, 0), '04073C60093C000000'],
  ['LED init', led('init', 7), '041007'],
  ['LED on', led('on', 1), '041101'],
  ['LED off', led('off', 2), '041202'],
  ['LED toggle', led('toggle', 4), '041304'],
  ['LED blink', ledBlink(1, 500, 250), '041401F401FA00'],
])('%s is %j', (_, request, expected) => {
  expect(request).toBe(`${expected}\r`)
})

test('the version is that of a TWN4, whole', () => {
  const line = (text: string, length = text.length): string =>
    `00${length.toString(16).padStart(2, '0')}${Buffer.from(text).toString('hex')}`
  expect(readVersionString(line('TWN4/B1.50/CCB4.02/PRS1.04'))).toBe('TWN4/B1.50/CCB4.02/PRS1.04')
  expect(readVersionString(line('STD/1.00/B'))).toBeUndefined()
  expect(readVersionString(line('TWN4/B1.50', 9))).toBeUndefined()
  expect(readVersionString(line('TWN4/B1.50', 11))).toBeUndefined()
  expect(readVersionString('00')).toBeUndefined()
  expect(readVersionString('01')).toBeUndefined()
  expect(readVersionString('TWN4/B1.50')).toBeUndefined()
})

test('a reply without a result is done, or is not', () => {
  expect(isDone('00')).toBe(true)
  expect(isDone('01')).toBe(false)
  expect(isDone('0000')).toBe(false)
  expect(isDone('')).toBe(false)
})

describe('a reply about tags', () => {
  const cards = [
    ['0001802004A0C2BBCA', { payload: 'A0C2BBCA', form: 'bytes', proof: 'none', technology: 'iso14443a' }],
    [
      '0001803807041F38D29A5B80',
      { payload: '041F38D29A5B80', form: 'bytes', proof: 'none', technology: 'iso14443a' },
    ],
    ['000140280501026F6C3A', { payload: '01026F6C3A', form: 'bytes', proof: 'none', technology: 'lf' }],
    ['000181200450123456', { payload: '50123456', form: 'bytes', proof: 'none', technology: 'iso14443b' }],
    [
      '0001824008E00401007E113CAD',
      { payload: 'E00401007E113CAD', form: 'bytes', proof: 'none', technology: 'iso15693' },
    ],
    [
      '0001844008 0123456789ABCDEF'.replace(' ', ''),
      { payload: '0123456789ABCDEF', form: 'bytes', proof: 'none' },
    ],
    // The ends of the range of 125 kHz types, and those beside it.
    ['00013F200401020304', { payload: '01020304', form: 'bytes', proof: 'none' }],
    ['000140200401020304', { payload: '01020304', form: 'bytes', proof: 'none', technology: 'lf' }],
    ['00015F200401020304', { payload: '01020304', form: 'bytes', proof: 'none', technology: 'lf' }],
    ['000160200401020304', { payload: '01020304', form: 'bytes', proof: 'none' }],
    // HID Prox: the frame of TWN3's manual; its unused bits are the last ones, as a number they come off.
    ['0001491A04808001C0', { payload: '02020007', form: 'bytes', proof: 'none', bits: 26, technology: 'lf' }],
  ] as const

  test.each(cards)('%s is %o', (line, card) => {
    expect(readTag(line)).toEqual({ card })
    expect(readTag(line.toLowerCase())).toEqual({ card })
  })

  test.each(cards)('%s arrives whole however the line is cut', (line, card) => {
    const bytes = ascii(`${line}\r`)
    for (const sizes of everyCut(bytes)) {
      const codec = new LineCodec({
        terminator: 'cr',
        prefix: '',
        suffix: '',
        maxBytes: 600,
        idleResetMs: 200,
      })
      const [frame] = framesIn(decode(codec, bytes, sizes))
      expect(readTag(frame?.payload ?? '')).toEqual({ card })
    }
  })

  test('of HID Prox is the card of its Wiegand frame', () => {
    const answer = readTag('0001491A04808001C0')
    const card = 'card' in answer ? answer.card : null
    expect(card && normalise(card, { format: 'wiegand-26', byteOrder: 'as-sent' })).toEqual({
      uid: '00010003',
      identity: 'truncated',
      proof: 'parity',
    })
  })

  test('without one says so', () => {
    expect(readTag('0000')).toEqual({ card: null })
  })

  test('that is an error says that', () => {
    expect(readTag('01')).toEqual({ code: 'answer-failed' })
    expect(readTag('0201802004A0C2BBCA')).toEqual({ code: 'answer-failed' })
  })

  test.each([
    ['nothing', ''],
    ['no hex', '00xx'],
    ['half a byte', '00018020 4A0C2BBCA'],
    ['half a byte at its end', '0001802004A0C2BBC'],
    ['no result', '00'],
    ['neither tag nor none', '0002'],
    ['a tag that is neither there nor not', '0002802004A0C2BBCA'],
    ['no tag and still more', '000080'],
    ['no tag and still all of it', '0000802004A0C2BBCA'],
    ['a tag without a type', '0001'],
    ['a tag without a length', '00018020'],
    ['a length without an id', '0001802004'],
    // The unit test of the public capture splits this line so that eight bytes stand under a length of seven.
    ['an id longer than its length', '0001803807041F38D29A5B8000'],
    ['an id shorter than its length', '0001803807041F38D29A5B'],
    ['more bits than bytes', '0001804004A0C2BBCA'],
    ['more bytes than bits', '0001801804A0C2BBCA'],
    ['no bits', '0001800000'],
    ['no bits and still an id', '0001800004A0C2BBCA'],
  ])('with %s is no answer', (_, line) => {
    expect(readTag(line)).toEqual({ code: 'answer-malformed' })
  })

  test('that was cut off anywhere, or has one digit too many, is no answer', () => {
    for (const [line] of cards) {
      for (let length = 2; length < line.length; length += 1) {
        expect(readTag(line.slice(0, length))).toEqual({ code: 'answer-malformed' })
      }
      expect(readTag(`${line}0`)).toEqual({ code: 'answer-malformed' })
      expect(readTag(`${line}00`)).toEqual({ code: 'answer-malformed' })
    }
  })

  test('of any text is an id as long as it says, or none', () => {
    const hex = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('hex'))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          hex,
          hex.map((rest) => `000180${rest}`),
        ),
        (line) => {
          const answer = readTag(line)
          if (!('card' in answer) || answer.card === null) return
          expect(answer.card.payload).toHaveLength(parseInt(line.slice(8, 10), 16) * 2)
          expect(line).toHaveLength(10 + answer.card.payload.length)
        },
      ),
    )
  })
})
