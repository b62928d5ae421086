import { expect, test } from 'vitest'
import { beepAtCards, fromPn532, getFirmware, readSignal, signal, toPn532 } from './acr122.ts'
import { hexBytes, toHex } from './bytes.ts'
import { readTarget } from './pn532.ts'

/** readers.md 1e. */
test('a signal is one command: red at 1 Hz, three times, with a beep', () => {
  const command = signal({ leds: 0x50, on: 5, off: 5, times: 3, buzzer: 'on' })
  expect(toHex(command)).toBe('FF0040500405050301')
})

test.each([
  ['never', 0],
  ['on', 1],
  ['off', 2],
  ['always', 3],
] as const)('the buzzer that sounds %s is %i', (buzzer, link) => {
  expect(signal({ leds: 0, on: 0, off: 0, times: 0, buzzer }).at(-1)).toBe(link)
})

test('the reader answers which LEDs are lit', () => {
  expect(readSignal(hexBytes('9002'))).toBe(2)
  expect(readSignal(hexBytes('9000'))).toBe(0)
  expect(readSignal(hexBytes('6300'))).toBeUndefined()
  expect(readSignal(hexBytes('90'))).toBeUndefined()
  expect(readSignal(hexBytes('900200'))).toBeUndefined()
})

test('the other commands are as documented', () => {
  expect(toHex(getFirmware)).toBe('FF00480000')
  expect(toHex(beepAtCards(true))).toBe('FF0052FF00')
  expect(toHex(beepAtCards(false))).toBe('FF00520000')
})

test('its PN532 is asked and answers without frames', () => {
  expect(toHex(toPn532(hexBytes('4A0100')))).toBe('FF00000004D44A0100')
  const data = fromPn532(hexBytes('D54B0101 0004 08 04 924C5227 9000'))
  expect(readTarget(data ?? new Uint8Array())).toMatchObject({ card: { payload: '924C5227' } })
  expect(fromPn532(hexBytes('D54B006300'))).toBeUndefined()
  expect(fromPn532(hexBytes('D44A01009000'))).toBeUndefined()
  expect(fromPn532(hexBytes('9000'))).toBeUndefined()
})
