import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hexBytes, toHex } from './bytes.ts'
import { anyBytes, cuts, decode, everyCut, framesIn, holds, join, rejectionsIn } from './codec.testing.ts'
import type { Decoded } from './codec.ts'
import { ack, commandFrame, pn532Codec, type Pn532Frame } from './pn532-frame.ts'

function short(decoded: Decoded<Pn532Frame>): string {
  if ('rejected' in decoded) return `!${decoded.rejected.code}:${String(decoded.rejected.bytes)}`
  return decoded.frame.kind === 'answer' ? toHex(decoded.frame.data) : decoded.frame.kind
}

const read = (hex: string): string[] => decode(pn532Codec(), hexBytes(hex)).map(short)

/** readers.md 1d. */
const vectors: [string, string[]][] = [
  ['0000FF00FF00', ['ack']],
  ['0000FFFF0000', ['nack']],
  ['0000FF01FF7F8100', ['error']],
  ['0000FF00FF00 0000FF02FED5151600', ['ack', '15']],
  ['0000FF00FF00 0000FF06FAD50332010607E800', ['ack', '0332010607']],
  ['0000FF00FF00 0000FF03FDD54B00E000', ['ack', '4B00']],
  ['0000FF00FF00 0000FF02FED533F800', ['ack', '33']],
  ['0000FF0CF4 D54B0101 0004 08 04 5CBBE5D5 FD00', ['4B0101000408045CBBE5D5']],
  ['0000FF0CF4 D54B0101 0004 08 04 B0864D25 2600', ['4B010100040804B0864D25']],
  ['0000FF0FF1 D54B0101 0042 18 07 045D46B2505D80 F700', ['4B010100421807045D46B2505D80']],
  ['0000FF0CF4 D54B0101 0004 08 04 A0C2BBCA E700', ['4B010100040804A0C2BBCA']],
]

describe('a frame of the reference', () => {
  test.each(vectors)('%s is %j', (hex, expected) => {
    expect(read(hex)).toEqual(expected)
  })

  test.each(vectors)('%s is %j however it is cut', (hex, expected) => {
    const bytes = hexBytes(hex)
    for (const sizes of everyCut(bytes)) {
      expect(decode(pn532Codec(), bytes, sizes).map(short)).toEqual(expected)
    }
  })

  test('is taken without a postamble, with a long one, and with padding before it', () => {
    expect(read('00FF02FED51516')).toEqual(['15'])
    expect(read('00FF00FF 00FFFF00 00FF02FED51516 00FF00FF')).toEqual(['ack', 'nack', '15', 'ack'])
    expect(read('000000000000FF02FED515160000000000FF02FED51516000000')).toEqual(['15', '15'])
  })

  test('of extended form is one like any other', () => {
    expect(read('0000FF FFFF 0002 FE D515 16 00')).toEqual(['15'])
    const data = new Uint8Array(264).fill(0x11)
    const long = join(hexBytes('0000FF FFFF 0109 F6 D5'), data, hexBytes('A3 00'))
    expect(decode(pn532Codec(), long).map(short)).toEqual([toHex(data)])
    for (const sizes of [[1], [7], [8, 1]]) {
      expect(decode(pn532Codec(), long, sizes).map(short)).toEqual([toHex(data)])
    }
  })
})

describe('what is none', () => {
  test.each([
    ['a wrong DCS', '0000FF02FED5151700', ['!frame-checksum:7']],
    ['a wrong LCS', '0000FF02FDD5151600', ['!frame-garbled:6']],
    ['a wrong LCS of an extended frame', '0000FF FFFF 0002 FD D515 16 00', ['!frame-garbled:8']],
    ['a length of nothing', '0000FF0000', ['!frame-garbled:1']],
    ['an extended length of nothing', '0000FF FFFF 0000 00 00', ['!frame-garbled:3']],
    ['a longer frame than the chip has', '0000FF FFFF 010A F5 D5', ['!frame-garbled:7']],
    ['our own command', '0000FF02FED4022A00', ['!frame-garbled:7']],
    ['an answer that says nothing', '0000FF01FFD52B00', ['!frame-garbled:6']],
    ['an error with a wrong checksum', '0000FF02FE7F018100', ['!frame-checksum:7']],
    ['an error that is longer', '0000FF02FE7F018000', ['!frame-garbled:7']],
    ['half a frame', '0000FF0CF4D54B0101', ['!frame-incomplete:7']],
    ['half a header', '0000FF0C', ['!frame-incomplete:2']],
    ['half a header of an extended frame', '0000FFFFFF00', ['!frame-incomplete:3']],
  ])('%s', (_, hex, expected) => {
    expect(read(hex)).toEqual(expected)
  })

  test('zeros alone are padding, and nothing to report', () => {
    expect(decode(pn532Codec(), new Uint8Array(5_000))).toEqual([])
  })

  test('a frame that stops holds nothing up after 50 ms, or what is set', () => {
    for (const [codec, dueMs] of [
      [pn532Codec(), 50],
      [pn532Codec(10), 10],
    ] as const) {
      codec.push(hexBytes('00FF0CF4D54B'), 0)
      expect(codec.dueMs).toBe(dueMs)
      expect(codec.push(ack, dueMs).map(short)).toEqual(['!frame-incomplete:5', 'ack'])
    }
  })

  test('a false start that claims a long frame loses none that came behind it', () => {
    // Nothing says that it is false before the silence does.
    const codec = pn532Codec()
    expect(codec.push(join(hexBytes('00FFFFFF0100FF'), ack), 0)).toEqual([])
    expect(codec.idle(50).map(short)).toEqual(['!frame-garbled:5', 'ack'])
  })
})

test('a reset forgets the frame that was under way', () => {
  const codec = pn532Codec()
  codec.push(hexBytes('0000FF0CF4D54B'), 0)
  expect(codec.reset().map(short)).toEqual(['!frame-incomplete:5'])
  expect(codec.dueMs).toBeUndefined()
  expect(codec.push(ack, 0).map(short)).toEqual(['ack'])
})

/** A frame from the chip, written here from the reference: no padding before it, none behind it. */
function answer(data: Uint8Array): Uint8Array {
  const content = join(Uint8Array.of(0xd5), data)
  const { length } = content
  const header =
    length < 256
      ? [length, 256 - length]
      : [0xff, 0xff, length >> 8, length & 255, (512 - (length >> 8) - (length & 255)) % 256]
  const sum = content.reduce((total, byte) => total + byte, 0)
  return join(Uint8Array.of(0, 0xff, ...header), content, Uint8Array.of((256 - (sum % 256)) % 256))
}

const data = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 30 }),
  fc.uint8Array({ minLength: 250, maxLength: 264 }),
)

test('every answer is found whole between noise without a zero, in any pieces and with any padding', () => {
  const noise = anyBytes.map((bytes) => bytes.filter((byte) => byte !== 0))
  const padding = fc.nat(4).map((count) => new Uint8Array(count))
  fc.assert(
    fc.property(fc.array(fc.tuple(noise, padding, data), { maxLength: 5 }), cuts, (parts, sizes) => {
      const stream = join(...parts.flatMap(([before, zeros, content]) => [before, zeros, answer(content)]))
      expect(framesIn(decode(pn532Codec(), stream, sizes))).toEqual(
        parts.map(([, , content]) => ({ kind: 'answer', data: content })),
      )
    }),
  )
})

test('noise is never an answer that does not stand in it, checksums and all', () => {
  const nasty = fc.oneof(
    anyBytes,
    fc
      .array(fc.constantFrom(0x00, 0xff, 0x01, 0x02, 0xfe, 0xd5, 0x4b), { maxLength: 40 })
      .map((bytes) => Uint8Array.from(bytes)),
    fc
      .tuple(data, fc.nat(30), fc.integer({ min: 0, max: 255 }))
      .map(([content, place, value]) =>
        answer(content).map((byte, index) => (index === place ? value : byte)),
      ),
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(nasty, data.map(answer)), { maxLength: 8 }), cuts, (parts, sizes) => {
      const stream = join(...parts)
      for (const frame of framesIn(decode(pn532Codec(), stream, sizes))) {
        if (frame.kind !== 'answer') continue
        const extended = join(hexBytes('00FFFFFF'), extendedHeader(frame.data), hexBytes('D5'), frame.data)
        expect(holds(stream, answer(frame.data)) || holds(stream, extended)).toBe(true)
      }
    }),
  )
})

function extendedHeader(content: Uint8Array): Uint8Array {
  const length = content.length + 1
  return Uint8Array.of(length >> 8, length & 255, (512 - (length >> 8) - (length & 255)) % 256)
}

test('one wrong bit is never another answer', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 30 }),
      fc.nat(40),
      fc.nat(7),
      (content, place, bit) => {
        const damaged = answer(content).map((byte, index) => (index === place ? byte ^ (1 << bit) : byte))
        for (const frame of framesIn(decode(pn532Codec(), damaged))) {
          if (frame.kind === 'answer') expect(frame.data).toEqual(content)
        }
      },
    ),
  )
})

test('in pieces and at once are the same, and noise is bounded and reported', () => {
  fc.assert(
    fc.property(fc.array(anyBytes, { maxLength: 20 }), cuts, (parts, sizes) => {
      const stream = join(...parts)
      expect(decode(pn532Codec(), stream, sizes)).toEqual(decode(pn532Codec(), stream))
    }),
  )
  const codec = pn532Codec()
  expect(rejectionsIn(codec.push(new Uint8Array(10_240).fill(0xff), 0))).toHaveLength(10)
  expect(codec.push(ack, 1).map(short)).toEqual(['ack'])
})

describe('a command', () => {
  test('is framed so that the chip takes it, as short as it can be', () => {
    expect(toHex(commandFrame(hexBytes('02')))).toBe('0000FF02FED4022A00')
    expect(toHex(commandFrame(hexBytes('14011401')))).toBe('0000FF05FBD4140114010200')
    expect(toHex(commandFrame(new Uint8Array(254)).subarray(0, 6))).toBe('0000FFFF01D4')
    expect(toHex(commandFrame(new Uint8Array(255)).subarray(0, 9))).toBe('0000FFFFFF0100FFD4')
    expect(toHex(commandFrame(new Uint8Array(264)).subarray(0, 9))).toBe('0000FFFFFF0109F6D4')
  })

  test('that is longer than the chip takes is a bug', () => {
    expect(() => commandFrame(new Uint8Array(265))).toThrow(RangeError)
  })

  test('of any length is what a chip would read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 264 }), (content) => {
        const fromChip = commandFrame(content)
        const [tfi, dcs] = [fromChip.indexOf(0xd4, 5), fromChip.length - 2]
        expect([tfi === 5, tfi === 8]).toContain(true)
        // The same frame from the chip: TFI one more, DCS one less.
        const flipped = fromChip.with(tfi, 0xd5).with(dcs, (fromChip[dcs] ?? 0) - 1)
        const expected = content.length === 0 ? [] : [{ kind: 'answer', data: content }]
        expect(framesIn(decode(pn532Codec(), flipped))).toEqual(expected)
      }),
    )
  })
})
