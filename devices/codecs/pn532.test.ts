import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalise } from '../normalise.ts'
import { hexBytes, toHex } from './bytes.ts'
import { decode, framesIn, join } from './codec.testing.ts'
import { pn532Codec } from './pn532-frame.ts'
import {
  getFirmwareVersion,
  inListPassiveTarget,
  isDone,
  limitRetries,
  readFirmwareVersion,
  readTarget,
  rfFieldOff,
  samConfiguration,
  wakeUp,
} from './pn532.ts'

/** readers.md 1d. */
test.each([
  ['SAMConfiguration', samConfiguration(), '0000FF03FDD414011700'],
  ['GetFirmwareVersion', getFirmwareVersion(), '0000FF02FED4022A00'],
  ['InListPassiveTarget', inListPassiveTarget(), '0000FF04FCD44A0200E000'],
  ['RF field off', rfFieldOff(), '0000FF04FCD4320100F900'],
  ['MaxRetries, one more look', limitRetries(1), '0000FF06FAD43205FF0101F400'],
])('%s is %o', (_, frame, expected) => {
  expect(toHex(frame)).toBe(expected)
})

test('the wake-up is what field captures show before the first command', () => {
  expect(toHex(join(wakeUp, samConfiguration()))).toBe(`5555${'00'.repeat(14)}0000FF03FDD414011700`)
})

test('the firmware is read from its own answer only', () => {
  const data = hexBytes('0332010607')
  expect(readFirmwareVersion(data)).toEqual({ ic: 0x32, version: '1.6', support: 7 })
  expect(readFirmwareVersion(data.with(0, 0x15))).toBeUndefined()
  expect(readFirmwareVersion(data.subarray(0, 4))).toBeUndefined()
  expect(readFirmwareVersion(hexBytes('033201060700'))).toBeUndefined()
})

test('a bare answer is that of its own command', () => {
  expect(isDone(hexBytes('15'), 0x14)).toBe(true)
  expect(isDone(hexBytes('33'), 0x32)).toBe(true)
  expect(isDone(hexBytes('33'), 0x14)).toBe(false)
  expect(isDone(hexBytes('1500'), 0x14)).toBe(false)
  expect(isDone(hexBytes(''), 0x14)).toBe(false)
})

describe('an answer about targets', () => {
  const cards = [
    ['0000FF0CF4 D54B0101 0004 08 04 5CBBE5D5 FD00', '5CBBE5D5'],
    ['0000FF0CF4 D54B0101 0004 08 04 B0864D25 2600', 'B0864D25'],
    ['0000FF0FF1 D54B0101 0042 18 07 045D46B2505D80 F700', '045D46B2505D80'],
    ['0000FF0CF4 D54B0101 0004 08 04 A0C2BBCA E700', 'A0C2BBCA'],
  ] as const

  test.each(cards)('%s is card %s', (hex, uid) => {
    const [frame] = framesIn(decode(pn532Codec(), hexBytes(hex)))
    const answer = readTarget(frame?.kind === 'answer' ? frame.data : new Uint8Array())
    const card = { payload: uid, form: 'bytes', proof: 'checksum', technology: 'iso14443a' } as const
    expect(answer).toEqual({ card })
    expect(normalise(card, { format: 'hex', byteOrder: 'as-sent' })).toEqual({
      uid,
      identity: 'stable',
      proof: 'checksum',
    })
  })

  test.each([
    ['10 bytes of id', '4B0101 0082 00 0A 0102030405060708090A', '0102030405060708090A'],
    ['an ATS behind the id', '4B0101 0344 20 07 04112233445566 0675338102 80', '04112233445566'],
    ['no ATS from a card that should have one', '4B0101 0344 20 07 04112233445566', '04112233445566'],
    ['a phone', '4B0101 0004 20 04 08E8D0A1 05788091 02', '08E8D0A1'],
  ])('may hold %s', (_, hex, payload) => {
    expect(readTarget(hexBytes(hex))).toMatchObject({ card: { payload } })
  })

  test('that is a phone is no card to enrol', () => {
    const answer = readTarget(hexBytes('4B0101 0004 20 04 08E8D0A1 05788091 02'))
    const card = 'card' in answer ? answer.card : null
    expect(card && normalise(card, { format: 'hex', byteOrder: 'as-sent' })).toMatchObject({
      identity: 'random',
    })
  })

  test.each([
    '4B0201000408045CBBE5D50200040804B0864D25',
    '4B02010344200704112233445566067533810280020004080411223344',
  ])('about two, %s, is no single card', (hex) => {
    expect(readTarget(hexBytes(hex))).toEqual({ code: 'cards-several' })
  })

  test('without one says so', () => {
    expect(readTarget(hexBytes('4B00'))).toEqual({ card: null })
  })

  test.each([
    ['nothing', ''],
    ['another answer', '33'],
    ['no target of another answer', '3300'],
    ['a target of another answer', '330101000408045CBBE5D5'],
    ['no count', '4B'],
    ['no target and still more', '4B0001'],
    ['a target without its fields', '4B01'],
    ['a target without its id length', '4B0101000408'],
    ['an id that is cut off', '4B0101000408045CBBE5'],
    ['an id length of 0', '4B01010004080000'],
    ['an id length of 5', '4B0101000408050102030405'],
    ['an id length beyond the frame', '4B0101000408FF5CBBE5D5'],
    ['a byte behind the id', '4B0101000408045CBBE5D500'],
    ['an ATS of a card that has none', '4B0101000408045CBBE5D50202'],
    ['an ATS that is longer than it says', '4B0101000420045CBBE5D5017577'],
    ['an ATS that is shorter than it says', '4B0101000420045CBBE5D50577'],
    ['two targets, of which one is cut off', '4B0201000408045CBBE5D502000408 04B0864D'],
    ['three targets, when two were asked for', '4B0301000408045CBBE5D50200040804B0864D2503000408041F38D29A'],
  ])('with %s is no answer', (_, hex) => {
    expect(readTarget(hexBytes(hex))).toEqual({ code: 'answer-malformed' })
  })

  test('of any bytes is a whole id, none, or no answer', () => {
    const plausible = fc
      .tuple(
        fc.constantFrom(0, 1, 2),
        fc.constantFrom(0x08, 0x20),
        fc.nat(12),
        fc.uint8Array({ maxLength: 20 }),
      )
      .map(([count, selRes, length, rest]) => Uint8Array.of(0x4b, count, 1, 0, 4, selRes, length, ...rest))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 30 }), plausible), (data) => {
        const answer = readTarget(data)
        if (!('card' in answer) || answer.card === null) return
        const { payload } = answer.card
        expect([8, 14, 20]).toContain(payload.length)
        expect(toHex(data).slice(14)).toMatch(new RegExp(`^${payload}`))
        expect(payload).toHaveLength((data[6] ?? 0) * 2)
      }),
    )
  })
})
