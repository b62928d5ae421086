import { describe, expect, test } from 'vitest'
import { normalise } from '../normalise.ts'
import { hexBytes, toHex } from './bytes.ts'
import { describeCard, getHistoricalBytes, getUid, readAtr, readResponse, readUid } from './pcsc-card.ts'

test('the commands are those of the PC/SC workgroup', () => {
  expect(toHex(getUid)).toBe('FFCA000000')
  expect(toHex(getHistoricalBytes)).toBe('FFCA010000')
})

describe('status words', () => {
  test.each([
    ['A0C2BBCA9000', 'A0C2BBCA', 'ok'],
    ['9000', '', 'ok'],
    ['6300', '', 'failed'],
    ['6A81', '', 'not-supported'],
    ['6C04', '', 'wrong-length'],
    ['6C00', '', 'wrong-length'],
    ['A0C26282', 'A0C2', 'short'],
    ['6A82', '', 'other'],
    ['90', '', 'other'],
    ['6C', '', 'other'],
    ['', '', 'other'],
  ])('%j is %j, %s', (response, data, status) => {
    expect(readResponse(hexBytes(response))).toEqual({ data: hexBytes(data), status })
  })
})

describe('an ATR', () => {
  const memory = (card: number) => ({ kind: 'memory', card, technology: 'iso14443a' })

  /** readers.md 1e. */
  test.each([
    ['3B8F8001804F0CA000000306030001000000006A', memory(0x0001), 'MIFARE Classic 1K'],
    ['3B8F8001804F0CA0000003060300030000000068', memory(0x0003), 'MIFARE Ultralight or NTAG'],
    ['3B8F8001804F0CA00000030603003A0000000051', memory(0x003a), 'MIFARE Ultralight C'],
    ['3B8F8001804F0CA00000030603FF88000000001C', memory(0xff88), 'card with SAK 88'],
    ['3B8180018080', { kind: 'iso14443-4', historicalBytes: hexBytes('80') }, 'ISO 14443-4 card or phone'],
    ['3B80800101', { kind: 'iso14443-4', historicalBytes: hexBytes('') }, 'ISO 14443-4 card or phone'],
    // Copied around in public code; its right TCK is 69.
    ['3B8F8001804F0CA000000306030002000000006A', { kind: 'damaged' }, 'card with a damaged ATR'],
    ['3B8F8001804F0CA0000003060300020000000069', memory(0x0002), 'MIFARE Classic 4K'],
    // The security module in a touchatag: no card (nfc-pcsc #97).
    ['3BBE96000041030000000000000000000002', { kind: 'contact' }, 'contact card'],
  ])('%s is %o', (hex, expected, description) => {
    const atr = readAtr(hexBytes(hex))
    expect(atr).toEqual(expected)
    expect(describeCard(atr)).toBe(description)
  })

  test.each([
    ['03', 'iso14443a'],
    ['07', 'iso14443b'],
    ['0B', 'iso15693'],
    ['11', 'felica'],
    ['00', undefined],
  ])('of standard %s is %s', (standard, technology) => {
    expect(readAtr(withCheck(`8F8001804F0CA000000306${standard}003B00000000`))).toEqual({
      kind: 'memory',
      card: 0x003b,
      technology,
    })
  })

  test('of a card that is in no list says its number', () => {
    expect(describeCard({ kind: 'memory', card: 0x003b, technology: 'felica' })).toBe('card 003B')
    expect(describeCard({ kind: 'memory', card: 0x0026, technology: 'iso14443a' })).toBe('MIFARE Mini')
  })

  test('with another RID, or something where nothing belongs, is that of a 14443-4 card', () => {
    expect(readAtr(withCheck('8F8001804F0CA00000030703000100000000'))).toMatchObject({ kind: 'iso14443-4' })
    expect(readAtr(withCheck('8F8001804F0CA00000030603000100000001'))).toMatchObject({ kind: 'iso14443-4' })
  })

  test.each(['', '3B', '3B80', '3F80800101', '3B00800101', '3B80810101', '3B80800201'])(
    '%j is none of a contactless card',
    (hex) => {
      expect(readAtr(hexBytes(hex))).toEqual({ kind: 'contact' })
    },
  )

  test.each(['3B808001', '3B8080010100', '3B81800180', '3B80800102'])('%s is damaged', (hex) => {
    expect(readAtr(hexBytes(hex))).toEqual({ kind: 'damaged' })
  })

  test('with any one bit wrong is never a memory card', () => {
    const atr = hexBytes('3B8F8001804F0CA000000306030001000000006A')
    for (let bit = 0; bit < atr.length * 8; bit += 1) {
      const damaged = atr.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      expect(readAtr(damaged).kind).not.toBe('memory')
    }
  })
})

function withCheck(hex: string): Uint8Array {
  const bytes = hexBytes(hex)
  return Uint8Array.of(
    0x3b,
    ...bytes,
    bytes.reduce((sum, byte) => sum ^ byte, 0),
  )
}

describe('the answer to the question for the UID', () => {
  const classic = readAtr(hexBytes('3B8F8001804F0CA000000306030001000000006A'))
  const desfire = readAtr(hexBytes('3B8180018080'))
  const phone = readAtr(hexBytes('3B80800101'))
  const bytes = { form: 'bytes', proof: 'none' } as const

  test('is the card, and what kind it is', () => {
    const a0c2 = hexBytes('A0C2BBCA9000')
    const technology = 'iso14443a'
    expect(readUid(a0c2, classic)).toEqual({ card: { payload: 'A0C2BBCA', ...bytes, technology } })
    expect(readUid(a0c2, desfire)).toEqual({ card: { payload: 'A0C2BBCA', ...bytes } })
    expect(readUid(a0c2, phone)).toEqual({ card: { payload: 'A0C2BBCA', ...bytes, isAnonymous: true } })
    expect(readUid(a0c2, { kind: 'damaged' })).toEqual({ card: { payload: 'A0C2BBCA', ...bytes } })
    expect(readUid(a0c2, { kind: 'memory', card: 1, technology: undefined })).toEqual({
      card: { payload: 'A0C2BBCA', ...bytes },
    })
  })

  test.each([
    ['a Classic', classic, 'A0C2BBCA', 'stable'],
    ['a Classic that says 08', classic, '0824A937', 'random'],
    ['a DESFire', desfire, '041F38D29A5B80', 'stable'],
    ['a DESFire that hides', desfire, '080D3523', 'random'],
    ['a phone', phone, '08DDEA85', 'random'],
    ['a phone that does not even say 08', phone, '12345678', 'random'],
    ['a card of seven bytes that says nothing of itself', phone, '041F38D29A5B80', 'stable'],
  ] as const)('of %s is worth what it is', (_, atr, uid, identity) => {
    const answer = readUid(hexBytes(`${uid}9000`), atr)
    const card = 'card' in answer ? answer.card : null
    expect(card && normalise(card, { format: 'hex', byteOrder: 'as-sent' })).toEqual({
      uid,
      identity,
      proof: 'none',
    })
  })

  test.each([
    ['6300', 'answer-failed'],
    ['6A81', 'answer-failed'],
    ['6C04', 'answer-failed'],
    ['A0C26282', 'answer-failed'],
    ['6F00', 'answer-malformed'],
    ['', 'answer-malformed'],
    ['9000', 'answer-malformed'],
  ])('%j is %s', (response, code) => {
    expect(readUid(hexBytes(response), classic)).toEqual({ code })
  })
})
