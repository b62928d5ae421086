import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  bootKeyboard,
  compositeKeyboard,
  keyboardWithFeature,
  noKeyboard,
  threeByteKeyboard,
} from '../transports/hid.testing.ts'
import { hexBytes } from './bytes.ts'
import { readReportDescriptor } from './report-descriptor.ts'

const read = (hex: string) => readReportDescriptor(hexBytes(hex))

test('a keyboard without report ID', () => {
  expect(read(bootKeyboard)).toEqual({ keyboardIds: [0], featureIds: [] })
})

test('the keyboard among the reports of a device with volume keys', () => {
  expect(read(compositeKeyboard)).toEqual({ keyboardIds: [2], featureIds: [] })
  expect(read(threeByteKeyboard)).toEqual({ keyboardIds: [1], featureIds: [] })
})

test('the example of HID 1.11, appendix E.6, lights included', () => {
  const example =
    '05 01 09 06 A1 01 05 07 19 E0 29 E7 15 00 25 01 75 01 95 08 81 02 95 01 75 08 81 01 95 05 75 01 ' +
    '05 08 19 01 29 05 91 02 95 01 75 03 91 01 95 06 75 08 15 00 25 65 05 07 19 00 29 65 81 00 C0'
  expect(read(example)).toEqual({ keyboardIds: [0], featureIds: [] })
})

test('a keypad is one too, and its usage may name its page itself', () => {
  expect(read('05010907 A101 8100 C0').keyboardIds).toEqual([0])
  expect(read('050C 0B06000100 A101 8100 C0').keyboardIds).toEqual([0])
  expect(read('0501 0B0100FF00 A101 8100 C0').keyboardIds).toEqual([])
  expect(read('050C 0906 A101 8100 C0').keyboardIds).toEqual([])
})

test('the first of several usages is what a collection is', () => {
  expect(read('0501 0906 0902 A101 8100 C0').keyboardIds).toEqual([0])
  expect(read('0501 0902 0906 A101 8100 C0').keyboardIds).toEqual([])
})

test('a collection in a keyboard is part of it; one after it is not', () => {
  expect(read('05010906A101 0900 A102 8507 8100 C0 C0').keyboardIds).toEqual([7])
  expect(read('05010906A101 8501 8100 C0 0902A101 8502 8100 C0').keyboardIds).toEqual([1])
  expect(read('05010906A100 8100 C0').keyboardIds).toEqual([])
})

test('a collection that does not say what it is, is no keyboard', () => {
  expect(read('0501 A101 8100 C0').keyboardIds).toEqual([])
})

test('push and pop bring page and report ID back', () => {
  expect(read('0501 8504 A4 050C 8505 B4 0906A101 8100 C0').keyboardIds).toEqual([4])
})

test('feature reports, in a keyboard or not', () => {
  expect(read(keyboardWithFeature)).toEqual({ keyboardIds: [0], featureIds: [0] })
  expect(read('06A0FF0901A101 8505 B102 C0')).toEqual({ keyboardIds: [], featureIds: [5] })
  expect(read(noKeyboard)).toEqual({ keyboardIds: [], featureIds: [] })
})

test('long items are stepped over', () => {
  expect(read('FE 03 F0 A101C0 05010906A101 8100 C0').keyboardIds).toEqual([0])
})

test('one that is cut off, or is noise, counts as far as it goes', () => {
  const whole = hexBytes(bootKeyboard)
  for (let length = 0; length < whole.length; length += 1) {
    const { keyboardIds } = readReportDescriptor(whole.subarray(0, length))
    expect([[], [0]]).toContainEqual(keyboardIds)
  }
  expect(read('FE').keyboardIds).toEqual([])
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      const { keyboardIds, featureIds } = readReportDescriptor(noise)
      expect(keyboardIds.length + featureIds.length).toBeLessThanOrEqual(noise.length)
    }),
  )
})
