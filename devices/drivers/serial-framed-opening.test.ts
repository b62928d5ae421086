import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Decoded } from '../codecs/codec.ts'
import { framedCodec, frameProfileNames, frameProfiles, type FrameProfileName } from '../codecs/framed.ts'
import { Settling } from '../transports/settling.ts'
import { framedWire } from './framed-wire.testing.ts'

/** A port that is opened for a second while a card lies on its reader, which was `phaseMs` into saying it. */
function opened(profile: FrameProfileName, digits: string, pauseMs: number, phaseMs: number) {
  const frame = framedWire[profile](digits)
  const byteMs = 9_600 / frameProfiles[profile].baudRate
  const periodMs = frame.length * byteMs + pauseMs
  const settling = new Settling(frameProfiles[profile].frameEnds)
  const codec = framedCodec(profile)
  const decoded: Decoded[] = []
  let settledMs: number | undefined
  for (let nowMs = 0; nowMs < 1_000; nowMs += 1) {
    if (settling.isSettled(nowMs)) settledMs ??= nowMs
    const intoMs = (nowMs + phaseMs) % periodMs
    const byte = intoMs % byteMs === 0 ? frame[intoMs / byteMs] : undefined
    decoded.push(...codec.idle(nowMs))
    if (byte === undefined) continue
    const rest = settling.filter(Uint8Array.of(byte), nowMs)
    decoded.push(...codec.push(rest, nowMs))
  }
  return {
    settledMs,
    cards: new Set(decoded.flatMap((outcome) => ('frame' in outcome ? [outcome.frame.payload] : []))),
    // The last frame may well be under way when the second is over.
    rejected: decoded.filter((outcome) => 'rejected' in outcome),
  }
}

const digitsOf = (profile: FrameProfileName): fc.Arbitrary<string> => {
  const length = profile === 'idteck' ? fc.constantFrom(8, 10) : fc.constant(10)
  return length.chain((size) =>
    fc.string({ unit: fc.constantFrom(...Array.from('0123456789ABCDEF')), minLength: size, maxLength: size }),
  )
}
const phases = fc.nat(2_000)

describe.each(frameProfileNames)('a port that is opened while %s speaks', (profile) => {
  test('says nothing but the card, and throws nothing away, from the first whole frame on', () => {
    fc.assert(
      fc.property(
        digitsOf(profile),
        fc.integer({ min: 60, max: 300 }),
        phases,
        (digits, pauseMs, phaseMs) => {
          const { settledMs, cards, rejected } = opened(profile, digits, pauseMs, phaseMs)
          expect([...cards]).toEqual([digits])
          expect(rejected).toEqual([])
          // A frame of parallax takes 48 ms; one that is under way is waited for, or the silence after it.
          expect(settledMs).toBeLessThanOrEqual(100 + 48 + 50)
        },
      ),
    )
  })
})

test.each(['rdm6300', 'id12la', 'parallax'] as const)(
  'a port is opened while %s says its card without any pause',
  (profile) => {
    fc.assert(
      fc.property(digitsOf(profile), fc.integer({ min: 0, max: 40 }), phases, (digits, pauseMs, phaseMs) => {
        const { settledMs, cards, rejected } = opened(profile, digits, pauseMs, phaseMs)
        expect([...cards]).toEqual([digits])
        expect(rejected).toEqual([])
        expect(settledMs).toBeLessThanOrEqual(100 + 48 + 50)
      }),
    )
  },
)

test('a byte inside a frame of 7941e that looks like its end opens no port: the rest passes for another card', () => {
  // 03, then what every frame starts with, a byte, the BCC and 03: with the next frame that is 10 bytes and a right BCC.
  const digits = '03020A0277'
  for (const pauseMs of [0, 20, 40, 60]) {
    for (let phaseMs = 0; phaseMs < 10 + pauseMs; phaseMs += 1) {
      const { cards, rejected } = opened('7941e', digits, pauseMs, phaseMs)
      expect([...cards]).toEqual(pauseMs === 60 ? [digits] : [])
      expect(rejected).toEqual([])
    }
  }
})

test.each(['7941e', 'idteck'] as const)(
  'a port is not opened while %s pauses less than 50 ms: nothing says where its frames begin',
  (profile) => {
    const { settledMs, cards } = opened(profile, '2697116618', 40, 0)
    expect(settledMs).toBeUndefined()
    expect([...cards]).toEqual([])
  },
)
