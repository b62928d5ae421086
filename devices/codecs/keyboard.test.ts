import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hexBytes } from './bytes.ts'
import type { Decoded } from './codec.ts'
import { KeyboardCodec, type KeyboardCodecOptions } from './keyboard.ts'

const defaults: KeyboardCodecOptions = {
  end: 'key',
  prefix: '',
  suffix: '',
  maxBytes: 128,
  idleResetMs: 100,
}

/** Reports in hex, one a millisecond, and then silence. */
function read(reports: string[], options: Partial<KeyboardCodecOptions> = {}): string[] {
  const codec = new KeyboardCodec({ ...defaults, ...options })
  const decoded = reports.flatMap((report, index) => codec.push(hexBytes(report), index))
  return [...decoded, ...codec.idle(1_000_000)].map(short)
}

function short(decoded: Decoded): string {
  return 'frame' in decoded ? decoded.frame.payload : `!${decoded.rejected.code}`
}

/** Each usage pressed and released, in the layout of the capture. */
const nineBytes = (usages: string): string[] =>
  usages.split(' ').flatMap((usage) => [`02 00 00 ${usage} 0000000000`, '02 00 00 00 0000000000'])

describe('captures of the reference (readers.md 1f)', () => {
  test('nine bytes with a report ID, and an empty report after each: 1a86:dd01, raybot #89', () => {
    expect(read(nineBytes('21 1E 1E 20 27 1E 26 20 24 26 28'))).toEqual(['4113019379'])
    expect(Number('4113019379').toString(16).toUpperCase()).toBe('F527B1F3')
  })

  test('three bytes, without a release between different keys: pyusb-keyboard-alike #9', () => {
    const reports = ['01 00 27', '01 00 27', '01 00 1E', '01 00 20', '01 00 00', '01 00 20', '01 00 28']
    expect(read(reports)).toEqual(['0133'])
  })

  test('nine bytes that a fixed place reads wrong: node-hid #228', () => {
    expect(read(['02 00 00 27 00 00 00 00 00', '02 00 00 28 00 00 00 00 00'])).toEqual(['0'])
  })

  test('Shift for letters only', () => {
    const reports = ['02 00 04', '00 00 00', '00 00 27', '02 00 06', '00 00 28'].map(
      (start) => `${start} 00 00 00 00 00`,
    )
    expect(read(reports)).toEqual(['A0C'])
  })

  test('a Belgian kiosk reads 0013748911 all the same: positions are what is decoded', () => {
    expect(read(nineBytes('27 27 1E 20 24 21 25 26 1E 1E 28'))).toEqual(['0013748911'])
  })
})

const eight = (modifiers: string, ...usages: string[]): string =>
  `${modifiers} 00 ${[...usages, ...Array.from({ length: 6 - usages.length }, () => '00')].join(' ')}`

describe('keys', () => {
  test('are pressed once for as long as they are down', () => {
    expect(read([eight('00', '04'), eight('00', '04'), eight('00', '04', '05'), eight('00', '05')])).toEqual([
      '!frame-incomplete',
    ])
    expect(read([eight('00', '04'), eight('00', '04', '05'), eight('00', '05'), eight('00', '28')])).toEqual([
      'ab',
    ])
  })

  test('in one report come in its order, each once', () => {
    expect(read([eight('00', '1E', '1F', '1E', '20'), eight('00', '58')])).toEqual(['123'])
  })

  test('of the keypad are digits, whatever Shift says', () => {
    const usages = ['59', '5A', '5B', '5C', '5D', '5E', '5F', '60', '61', '62', '63']
    expect(read([...usages.map((usage) => eight('20', usage)), eight('00', '58')])).toEqual(['1234567890.'])
  })

  test('with separators, as readers write them', () => {
    const reports = [
      eight('02', '33'),
      eight('00', '2D'),
      eight('00', '2C'),
      eight('00', '36'),
      eight('00', '28'),
    ]
    expect(read(reports)).toEqual([':- ,'])
  })

  test.each([
    ['Enter', '28'],
    ['Tab', '2B'],
    ['keypad Enter', '58'],
  ])('%s ends a line', (_, usage) => {
    expect(read([eight('00', '04'), eight('00', usage), eight('00'), eight('00', usage)])).toEqual(['a'])
  })

  test.each([['39'], ['47'], ['53']])('lock key %s types nothing', (usage) => {
    expect(read([eight('00', '04'), eight('00', usage), eight('00', '05'), eight('00', '28')])).toEqual([
      'ab',
    ])
  })

  test.each([
    ['Escape', '00', '29'],
    ['Backspace', '00', '2A'],
    ['F1', '00', '3A'],
    ['a key beyond the keypad', '00', '64'],
    ['a key between letters and keypad', '00', '40'],
    ['Ctrl', '01', '04'],
    ['Alt', '04', '5A'],
    ['AltGr with Shift', '42', '04'],
    ['GUI', '08', '04'],
  ])('%s in a line is no part of a number', (_, modifiers, usage) => {
    expect(read([eight('00', '05'), eight(modifiers, usage), eight('00', '28')])).toEqual(['!frame-garbled'])
  })

  test.each(['01', '02', '03'])('error %s discards the report', (usage) => {
    const error = eight('00', ...Array.from({ length: 6 }, () => usage))
    // The 1 that was down before is not pressed again by the error going away.
    const reports = [eight('00', '1E'), error, eight('00', '1E'), eight('00', '1F'), eight('00', '28')]
    expect(read(reports)).toEqual(['12'])
    expect(read([eight('00', '1E', usage), eight('00', '28')])).toEqual([])
  })

  test('a modifier alone types nothing', () => {
    const codec = new KeyboardCodec(defaults)
    expect(codec.push(hexBytes(eight('02')), 0)).toEqual([])
    expect(codec.dueMs).toBeUndefined()
  })
})

test.each([0, 1, 2, 4, 7, 10, 64])('a report of %i bytes is none of a keyboard', (length) => {
  const codec = new KeyboardCodec(defaults)
  expect(codec.push(new Uint8Array(length), 0)).toEqual([
    { rejected: { code: 'frame-garbled', bytes: length } },
  ])
})

test('nothing in a read is proved', () => {
  const codec = new KeyboardCodec(defaults)
  const decoded = [eight('00', '1E'), eight('00', '28')].flatMap((report) => codec.push(hexBytes(report), 0))
  expect(decoded).toEqual([{ frame: { payload: '1', form: 'text', proof: 'none' } }])
})

test('prefix and suffix come off as on a line', () => {
  const typed = ['33', '1E', '37', '28'].map((usage) => eight('00', usage))
  expect(read(typed, { prefix: ';', suffix: '.' })).toEqual(['1'])
  expect(read(typed, { prefix: '#' })).toEqual(['!prefix-missing'])
})

describe('silence', () => {
  const one = hexBytes(eight('00', '1E'))
  const two = hexBytes(eight('00', '1F'))

  test('gives up a line of a reader that ends it with a key', () => {
    const codec = new KeyboardCodec(defaults)
    codec.push(one, 0)
    expect(codec.dueMs).toBe(100)
    expect(codec.idle(99)).toEqual([])
    expect(codec.push(two, 100).map(short)).toEqual(['!frame-incomplete'])
  })

  test('ends a line of a reader that types no such key', () => {
    const codec = new KeyboardCodec({ ...defaults, end: 'silence', idleResetMs: 80 })
    expect(codec.dueMs).toBeUndefined()
    codec.push(one, 0)
    codec.push(two, 50)
    expect(codec.dueMs).toBe(130)
    expect(codec.idle(129)).toEqual([])
    expect(codec.idle(130).map(short)).toEqual(['12'])
    expect(codec.dueMs).toBeUndefined()
    expect(codec.idle(500)).toEqual([])
  })

  test('begins when a key goes down: letting go of it types nothing', () => {
    const codec = new KeyboardCodec({ ...defaults, end: 'silence' })
    codec.push(one, 0)
    codec.push(hexBytes(eight('00')), 90)
    codec.push(hexBytes(eight('02')), 95)
    expect(codec.dueMs).toBe(100)
  })

  test('is noticed by the next key, when nobody asked before', () => {
    const codec = new KeyboardCodec({ ...defaults, end: 'silence' })
    codec.push(one, 0)
    expect(codec.push(two, 100).map(short)).toEqual(['1'])
    expect(codec.idle(200).map(short)).toEqual(['2'])
  })

  test('ends nothing more when a key has', () => {
    const codec = new KeyboardCodec({ ...defaults, end: 'silence' })
    codec.push(one, 0)
    expect(codec.push(hexBytes(eight('00', '28')), 1).map(short)).toEqual(['1'])
    expect(codec.idle(1_000)).toEqual([])
  })

  test.each(['key', 'silence'] as const)('ends an over-long line too, where %s ends lines', (end) => {
    const codec = new KeyboardCodec({ ...defaults, end, maxBytes: 8 })
    const typed = Array.from({ length: 40 }, (_, index) => codec.push(index % 2 === 0 ? one : two, index))
    expect(typed.flat().map(short)).toEqual(['!frame-too-long'])
    if (end === 'key') codec.push(hexBytes(eight('00', '28')), 40)
    expect(codec.idle(1_000)).toEqual([])
    codec.push(one, 2_000)
    const ended = end === 'key' ? codec.push(hexBytes(eight('00', '28')), 2_001) : codec.idle(3_000)
    expect(ended.map(short)).toEqual(['1'])
  })
})

test.each(['key', 'silence'] as const)('a reset forgets line and keys, where %s ends lines', (end) => {
  const codec = new KeyboardCodec({ ...defaults, end })
  codec.push(hexBytes(eight('00', '1E')), 0)
  expect(codec.reset().map(short)).toEqual(['!frame-incomplete'])
  expect(codec.dueMs).toBeUndefined()
  // Still down, or down again: of another session, so it counts.
  codec.push(hexBytes(eight('00', '1E')), 1)
  expect(codec.push(hexBytes(eight('00', '28')), 2).map(short)).toEqual(['1'])
})

/** A keyboard, written here from the reference: usage and Shift of what a US keyboard has. */
const unshifted = "abcdefghijklmnopqrstuvwxyz1234567890     -=[]\\ ;'`,./"
const shifted = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*()     _+{}| :"~<>?'
function keyOf(character: string): { usage: number; shift: number } {
  if (character === ' ') return { usage: 0x2c, shift: 0 }
  const plain = unshifted.indexOf(character)
  return plain === -1 ? { usage: 4 + shifted.indexOf(character), shift: 2 } : { usage: 4 + plain, shift: 0 }
}

type Layout = 'eight' | 'nine' | 'three'
const start: Record<Layout, number[]> = { eight: [], nine: [2], three: [1] }

function report(layout: Layout, shift: number, usage: number): Uint8Array {
  const keys = layout === 'three' ? [usage] : [0, usage, 0, 0, 0, 0, 0]
  return Uint8Array.from([...start[layout], shift, ...keys])
}

const typable = fc.string({
  unit: fc.constantFrom(...new Set(unshifted + shifted)),
  minLength: 1,
  maxLength: 20,
})

test('whatever is typed is read, in every layout, with and without a release between different keys', () => {
  fc.assert(
    fc.property(
      typable,
      fc.constantFrom<Layout>('eight', 'nine', 'three'),
      fc.boolean(),
      fc.constantFrom(0x28, 0x2b, 0x58),
      (text, layout, releasesAlways, end) => {
        const codec = new KeyboardCodec(defaults)
        const decoded: Decoded[] = []
        let previous = 0
        for (const { usage, shift } of [...Array.from(text, keyOf), { usage: end, shift: 0 }]) {
          if (releasesAlways || usage === previous) decoded.push(...codec.push(report(layout, 0, 0), 0))
          decoded.push(...codec.push(report(layout, shift, usage), 0))
          previous = usage
        }
        expect(decoded.map(short)).toEqual([text])
      },
    ),
  )
})

test('any reports at all make printable lines or rejections, and after a reset the next line is whole', () => {
  const reports = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 10 }),
      fc.uint8Array({ minLength: 8, maxLength: 9 }),
      fc.uint8Array({ minLength: 3, maxLength: 3, max: 0x63 }),
    ),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(reports, fc.constantFrom('key', 'silence'), (noise, end) => {
      const codec = new KeyboardCodec({ ...defaults, end, maxBytes: 12 })
      const decoded = [...noise.flatMap((bytes, index) => codec.push(bytes, index)), ...codec.reset()]
      for (const outcome of decoded) {
        if ('frame' in outcome) expect(outcome.frame.payload).toMatch(/^[ -~]{1,12}$/)
      }
      const line = ['1E', '1F', '28'].flatMap((usage) => codec.push(hexBytes(eight('00', usage)), 100))
      expect(line.map(short)).toEqual(['12'])
    }),
  )
})
