import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalise } from '../normalise.ts'
import type { Decoded } from './codec.ts'
import { LineCodec, type LineCodecOptions, type Terminator } from './line.ts'

const defaults: LineCodecOptions = {
  terminator: 'any',
  prefix: '',
  suffix: '',
  maxBytes: 128,
  idleResetMs: 200,
}
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** All at once, then silence. */
function decode(text: string, options: Partial<LineCodecOptions> = {}): string[] {
  const codec = new LineCodec({ ...defaults, ...options })
  return [...codec.push(bytes(text), 0), ...codec.idle(200)].map(short)
}

function short(decoded: Decoded): string {
  return 'frame' in decoded ? decoded.frame.payload : `!${decoded.rejected.code}`
}

describe('where a line ends', () => {
  test.each<[Terminator, string, string[]]>([
    ['any', 'A0C2BBCA\rDEADBEEF\n01020304\r\n', ['A0C2BBCA', 'DEADBEEF', '01020304']],
    ['cr', 'A0C2BBCA\rDEADBEEF\r', ['A0C2BBCA', 'DEADBEEF']],
    ['cr', 'A0C2BBCA\r\nDEADBEEF\r\n', ['A0C2BBCA', 'DEADBEEF']],
    ['cr', '\n0F0184F07A\r\n0F0184F07A\r', ['0F0184F07A', '0F0184F07A']],
    ['cr', 'A0C2\nBBCA\r', ['!frame-garbled']],
    ['lf', 'A0C2BBCA\nDEADBEEF\n', ['A0C2BBCA', 'DEADBEEF']],
    ['lf', 'A0C2BBCA\r\nDEADBEEF\r\n', ['A0C2BBCA', 'DEADBEEF']],
    ['lf', 'A0C2\rBBCA\n', ['!frame-garbled']],
    ['crlf', 'A0C2BBCA\r\nDEADBEEF\r\n', ['A0C2BBCA', 'DEADBEEF']],
    ['crlf', '\nA0C2BBCA\r\n', ['A0C2BBCA']],
    ['crlf', 'A0C2\rBBCA\r\nDEADBEEF\r\n', ['!frame-garbled', 'DEADBEEF']],
    ['crlf', 'A0C2\nBBCA\r\nDEADBEEF\r\n', ['!frame-garbled', 'DEADBEEF']],
    ['crlf', 'A0C2BBCA\r', ['!frame-incomplete']],
  ])('%s takes %j as %j', (terminator, text, expected) => {
    expect(decode(text, { terminator })).toEqual(expected)
  })

  test('empty lines are nothing', () => {
    for (const terminator of ['any', 'cr', 'lf', 'crlf'] as const) {
      expect(decode('\r\n\r\n\r\n', { terminator })).toEqual([])
    }
  })
})

describe('prefix and suffix', () => {
  const framed = { prefix: 'UID:', suffix: ';' }
  test.each([
    ['UID:A0C2BBCA;\r', ['A0C2BBCA']],
    ['A0C2BBCA;\r', ['!prefix-missing']],
    ['ID:A0C2BBCA;\r', ['!prefix-missing']],
    ['UID:A0C2BBCA\r', ['!frame-incomplete']],
    ['UID:\r', ['!frame-incomplete']],
    ['UID:;\r', ['']],
    ['UID:~ !;\r', ['~ !']],
    ['\xff\xfe\r', ['!frame-garbled']],
  ])('of %j leave %j', (text, expected) => {
    expect(decode(text, framed)).toEqual(expected)
  })

  test('may be control characters, which nothing else may', () => {
    const control = { prefix: '\x02', suffix: '\x03' }
    expect(decode('\x02A0C2BBCA\x03\r', control)).toEqual(['A0C2BBCA'])
    expect(decode('\x02A0C2\x02BBCA\x03\r', control)).toEqual(['!frame-garbled'])
  })
})

describe('a frame that is none', () => {
  test.each(['A0C2\x00BBCA\r', 'A0C2BBC\xc1\r', '\x7fA0C2BBCA\r', 'A0C2\tBBCA\r'])(
    '%j is garbled',
    (text) => {
      expect(decode(text)).toEqual(['!frame-garbled'])
    },
  )

  test('too long is one rejection, and its rest is no frame', () => {
    const noise = 'A'.repeat(1_000)
    expect(decode(`${noise}A0C2BBCA\rDEADBEEF\r`)).toEqual(['!frame-too-long', 'DEADBEEF'])
    expect(decode(`${noise}\rB\r${noise}\r`, { maxBytes: 8 })).toEqual([
      '!frame-too-long',
      'B',
      '!frame-too-long',
    ])
  })

  test.each(['any', 'cr', 'lf', 'crlf'] as const)(
    'may have maxBytes and not one more, with %s',
    (terminator) => {
      const end = { any: '\r\n', cr: '\r', lf: '\r\n', crlf: '\r\n' }[terminator]
      const options = { terminator, maxBytes: 8 }
      expect(decode(`A0C2BBCA${end}`, options)).toEqual(['A0C2BBCA'])
      expect(decode(`A0C2BBCAD${end}DEADBEEF${end}`, options)).toEqual(['!frame-too-long', 'DEADBEEF'])
    },
  )

  test('says how many bytes it had, and not which', () => {
    const codec = new LineCodec(defaults)
    expect(codec.push(bytes('A0\x00C2\r'), 0)).toEqual([{ rejected: { code: 'frame-garbled', bytes: 5 } }])
  })
})

describe('silence', () => {
  test('inside a frame gives it up, and the next one is whole', () => {
    const codec = new LineCodec(defaults)
    expect(codec.push(bytes('A0C2'), 1_000)).toEqual([])
    expect(codec.dueMs).toBe(1_200)
    expect(codec.idle(1_199)).toEqual([])
    expect(codec.idle(1_200).map(short)).toEqual(['!frame-incomplete'])
    expect(codec.dueMs).toBeUndefined()
    expect(codec.push(bytes('DEADBEEF\r'), 1_201).map(short)).toEqual(['DEADBEEF'])
  })

  test('is noticed by the next byte, when nobody asked before', () => {
    const codec = new LineCodec(defaults)
    codec.push(bytes('A0C2'), 0)
    expect(codec.push(bytes('DEADBEEF\r'), 500).map(short)).toEqual(['!frame-incomplete', 'DEADBEEF'])
  })

  test('between the bytes of a slow reader is none', () => {
    const codec = new LineCodec(defaults)
    const decoded = Array.from('A0C2BBCA\r', (byte, index) => codec.push(bytes(byte), index * 199))
    expect(decoded.flat().map(short)).toEqual(['A0C2BBCA'])
  })

  test('after noise is a garbled frame', () => {
    expect(decode('\xf0\x81\x00')).toEqual(['!frame-garbled'])
  })

  test('after an over-long frame does not make its rest a card', () => {
    const codec = new LineCodec({ ...defaults, maxBytes: 8 })
    codec.push(bytes('0102030405'), 0)
    expect(codec.push(bytes('A0C2BBCA\rDEADBEEF\r'), 1_000).map(short)).toEqual(['DEADBEEF'])
  })
})

test('a reset forgets the frame that was under way', () => {
  const codec = new LineCodec(defaults)
  codec.push(bytes('04A224'), 0)
  expect(codec.reset().map(short)).toEqual(['!frame-incomplete'])
  expect(codec.reset()).toEqual([])
  expect(codec.push(bytes('DEADBEEF\r'), 0).map(short)).toEqual(['DEADBEEF'])
})

const stream = fc.array(
  fc.constantFrom('A0C2BBCA', '04 a2', 'xyz', '\r', '\n', '\r\n', '\x00', '\xff', 'UID:'),
  {
    maxLength: 40,
  },
)
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 60 })
const options = fc.record({
  terminator: fc.constantFrom<Terminator>('any', 'cr', 'lf', 'crlf'),
  prefix: fc.constantFrom('', 'UID:'),
  suffix: fc.constantFrom('', 'A'),
  maxBytes: fc.constantFrom(8, 13, 128),
})

test('however the bytes are cut, the frames are the same', () => {
  fc.assert(
    fc.property(stream, cuts, options, (parts, sizes, chosen) => {
      const all = bytes(parts.join(''))
      const codec = new LineCodec({ ...defaults, ...chosen })
      const decoded: Decoded[] = []
      for (let at = 0, turn = 0; at < all.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1
        decoded.push(...codec.push(all.subarray(at, at + size), 0))
        at += size
      }
      const whole = new LineCodec({ ...defaults, ...chosen })
      expect(decoded).toEqual(whole.push(all, 0))
      expect(codec.reset()).toEqual(whole.reset())
    }),
  )
})

test('noise around a good frame never makes another card of it', () => {
  // Any noise but hex digits and separators glued to the frame: those cannot be told from the card's own.
  const noise = fc
    .array(
      fc.integer({ min: 0, max: 255 }).filter((byte) => !/[0-9A-Fa-f :-]/.test(String.fromCharCode(byte))),
    )
    .map((values) => Uint8Array.from(values))
  fc.assert(
    fc.property(noise, noise, fc.constantFrom('\r', '\n', '\r\n'), (before, after, end) => {
      const codec = new LineCodec(defaults)
      const all = Buffer.concat([before, bytes(`A0C2BBCA${end}`), after, bytes(`A0C2BBCA${end}`)])
      for (const outcome of codec.push(all, 0)) {
        if (!('frame' in outcome)) continue
        const read = normalise(outcome.frame, { format: 'hex', byteOrder: 'as-sent' })
        if ('uid' in read) expect(read.uid).toBe('A0C2BBCA')
      }
    }),
  )
})

test('after any noise, a silence or the end of a line makes the next frame whole', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (noise, silence) => {
      const codec = new LineCodec({ ...defaults, maxBytes: 500 })
      codec.push(noise, 0)
      if (!silence) codec.push(bytes('\r\n'), 0)
      const decoded = codec.push(bytes('A0C2BBCA\r\n'), silence ? 1_000 : 1)
      expect(decoded.map(short).at(-1)).toBe('A0C2BBCA')
    }),
  )
})

test('a megabyte without any terminator is one rejection and no memory', () => {
  const codec = new LineCodec(defaults)
  const chunk = bytes('A'.repeat(1_024))
  const before = process.memoryUsage().arrayBuffers
  const decoded = Array.from({ length: 1_024 }, () => codec.push(chunk, 0)).flat()
  expect(decoded).toEqual([{ rejected: { code: 'frame-too-long', bytes: 129 } }])
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(256 * 1_024)
})
