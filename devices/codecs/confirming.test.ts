import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CardFrame } from '../card-frame.ts'
import { hexBytes, toHex, xor } from './bytes.ts'
import type { Decoded } from './codec.ts'
import { ascii, cuts, decode, framesIn, join, rejectionsIn } from './codec.testing.ts'
import { ConfirmingCodec } from './confirming.ts'
import { framedCodec } from './framed.ts'

const limits = { withinMs: 500, keptMs: 600 }
const confirming = (): ConfirmingCodec => new ConfirmingCodec(framedCodec('rdm6300'), limits)

const frameOf = (payload: string): Uint8Array =>
  ascii(`\x02${payload}${toHex(Uint8Array.of(xor(hexBytes(payload))))}\x03`)
const card = '62E3086CED'
const other = '000414CD7E'
/** readers.md 1b, without their checksums: all of them are right. */
const ghosts = ['0000000000', '000000078F', '00F00000F0', 'F000060007', 'B59A99E5A9', '4FFB388FFF']

const repeated = (payload: string): CardFrame => ({
  payload,
  form: 'bytes',
  proof: 'repeated',
  technology: 'lf',
})
const payloads = (decoded: Decoded[]): string[] => framesIn(decoded).map(({ payload }) => payload)

/** Frames and when they end, in that order; then silence. Looks at the clock every 10 ms, as a session does. */
function play(frames: { payload: string; atMs: number }[], codec = confirming()): string[] {
  const said: string[] = []
  const lastMs = (frames.at(-1)?.atMs ?? 0) + 2_000
  let waiting = frames
  for (let nowMs = 0; nowMs <= lastMs; nowMs += 10) {
    const tell = (decoded: Decoded[]): void => {
      said.push(
        ...payloads(decoded).map((payload) => `${payload}@${String(nowMs)}`),
        ...rejectionsIn(decoded),
      )
    }
    tell(codec.idle(nowMs))
    const [due, later] = [
      waiting.filter(({ atMs }) => atMs <= nowMs),
      waiting.filter(({ atMs }) => atMs > nowMs),
    ]
    for (const { payload } of due) tell(codec.push(frameOf(payload), nowMs))
    waiting = later
  }
  return said
}

describe('a frame', () => {
  test('counts from the second time on, and says that it was repeated', () => {
    const codec = confirming()
    expect(codec.push(frameOf(card), 0)).toEqual([])
    expect(codec.push(frameOf(card), 100)).toEqual([{ frame: repeated(card) }])
    expect(codec.push(frameOf(card), 200)).toEqual([{ frame: repeated(card) }])
  })

  test('counts when it comes twice in one piece, and however it is cut', () => {
    fc.assert(
      fc.property(cuts, (sizes) => {
        const twice = join(frameOf(card), frameOf(card))
        expect(decode(confirming(), twice, sizes)).toEqual([{ frame: repeated(card) }])
      }),
    )
  })

  test.each([
    [499, [card], []],
    [500, [], ['frame-unrepeated:5', 'frame-unrepeated:5']],
  ])('that comes again after %i ms is %j', (againMs, counted, rejected) => {
    const codec = confirming()
    codec.push(frameOf(card), 0)
    const decoded = [...codec.push(frameOf(card), againMs), ...codec.idle(10_000)]
    expect(payloads(decoded)).toEqual(counted)
    expect(rejectionsIn(decoded)).toEqual(rejected)
  })

  test('of a card that lies there counts each time, also when one of them came late', () => {
    const atMs = [0, 100, 690, 1_280, 1_290]
    expect(play(atMs.map((time) => ({ payload: card, atMs: time })))).toEqual(
      [100, 690, 1_280, 1_290].map((time) => `${card}@${String(time)}`),
    )
  })

  test('of a card that was away must come twice again', () => {
    const atMs = [0, 100, 700, 1_400, 1_500]
    expect(play(atMs.map((time) => ({ payload: card, atMs: time })))).toEqual([
      `${card}@100`,
      'frame-unrepeated:5',
      `${card}@1500`,
    ])
  })
})

describe('a ghost', () => {
  test.each(ghosts)('%s is rejected half a second after it came, and not before', (ghost) => {
    const codec = confirming()
    expect(codec.push(frameOf(ghost), 1_000)).toEqual([])
    expect(codec.dueMs).toBe(1_500)
    expect(codec.idle(1_499)).toEqual([])
    expect(rejectionsIn(codec.idle(1_500))).toEqual(['frame-unrepeated:5'])
    expect(codec.dueMs).toBeUndefined()
  })

  test('between the two frames of a card costs the card nothing', () => {
    const said = play([
      { payload: card, atMs: 0 },
      { payload: '000000078F', atMs: 50 },
      { payload: card, atMs: 100 },
    ])
    expect(said).toEqual([`${card}@100`, 'frame-unrepeated:5'])
  })
})

const cardTimes = fc
  .array(fc.integer({ min: 10, max: 490 }), { minLength: 1, maxLength: 40 })
  .map((gaps) => gaps.reduce<number[]>((times, gap) => [...times, (times.at(-1) ?? 0) + gap], [0]))

test('ghosts that come once each, anywhere among the frames of a card, change nothing about it', () => {
  const ghostTimes = fc.uniqueArray(
    fc.record({ payload: fc.constantFrom(...ghosts), atMs: fc.nat(10_000) }),
    { selector: ({ payload }) => payload },
  )
  fc.assert(
    fc.property(cardTimes, ghostTimes, (times, strangers) => {
      const round = (ms: number): number => Math.ceil(ms / 10) * 10
      const frames = times.map((time) => ({ payload: card, atMs: round(time) }))
      const all = [...frames, ...strangers.map(({ payload, atMs }) => ({ payload, atMs: round(atMs) }))]
      const said = play(all.sort((one, two) => one.atMs - two.atMs))
      expect(said.filter((text) => text.startsWith(card))).toEqual(
        frames.slice(1).map(({ atMs }) => `${card}@${String(atMs)}`),
      )
      expect(said.filter((text) => text.startsWith('frame-unrepeated'))).toHaveLength(strangers.length)
      expect(said).toHaveLength(frames.length - 1 + strangers.length)
    }),
    { numRuns: 50 },
  )
})

test('whatever comes when, a frame counts exactly when the same one came shortly before', () => {
  const steps = fc.array(
    fc.record({ which: fc.integer({ min: 0, max: 2 }), afterMs: fc.integer({ min: 0, max: 800 }) }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(steps, (events) => {
      const codec = confirming()
      const last = new Map<string, { atMs: number; isConfirmed: boolean }>()
      let nowMs = 0
      for (const { which, afterMs } of events) {
        nowMs += afterMs
        const payload = [card, other, ghosts[1]][which] ?? card
        const before = last.get(payload)
        const isConfirmed = before !== undefined && nowMs - before.atMs < (before.isConfirmed ? 600 : 500)
        expect(payloads(codec.push(frameOf(payload), nowMs))).toEqual(isConfirmed ? [payload] : [])
        last.set(payload, { atMs: nowMs, isConfirmed })
      }
    }),
  )
})

test('a flood of frames of which none comes twice is held in bounded memory, and every one is rejected', () => {
  const codec = confirming()
  const flood = join(...Array.from({ length: 2_000 }, (_, index) => frameOf(String(1_000_000_000 + index))))
  const decoded = codec.push(flood, 0)
  expect(framesIn(decoded)).toEqual([])
  expect(decoded).toHaveLength(2_000 - 64)
  expect(payloads(codec.push(join(frameOf(card), frameOf(card)), 1))).toEqual([card])
  expect(rejectionsIn(codec.idle(10_000))).toHaveLength(64 - 1)
})

test('what the codec inside rejects, and waits for, stays as it is', () => {
  const codec = confirming()
  expect(rejectionsIn(codec.push(ascii('\x0262E3086CED09\x03'), 0))).toEqual(['frame-checksum:14'])
  codec.push(ascii('\x0262E3'), 10)
  expect(codec.dueMs).toBe(60)
  expect(rejectionsIn(codec.idle(60))).toEqual(['frame-incomplete:5'])
})

test('what came once is as long as its digits, where a reader sends text', () => {
  const codec = new ConfirmingCodec(framedCodec('idteck'), limits)
  const frame = ascii('\x0211127706\x03')
  codec.push(join(frame, Uint8Array.of(xor(frame))), 0)
  expect(rejectionsIn(codec.reset())).toEqual(['frame-unrepeated:8'])
})

test('a reset forgets what came once, and what was confirmed', () => {
  const codec = confirming()
  codec.push(join(frameOf(card), frameOf(card), frameOf(other), ascii('\x0262')), 0)
  expect(rejectionsIn(codec.reset())).toEqual(['frame-incomplete:3', 'frame-unrepeated:5'])
  expect(codec.dueMs).toBeUndefined()
  expect(codec.reset()).toEqual([])
  expect(codec.push(join(frameOf(card), frameOf(other)), 1)).toEqual([])
})

test('a confirmed frame is kept no shorter than two may lie apart', () => {
  const codec = new ConfirmingCodec(framedCodec('rdm6300'), { withinMs: 500, keptMs: 0 })
  const counts = [0, 100, 599].map((nowMs) => payloads(codec.push(frameOf(card), nowMs)).length)
  expect(counts).toEqual([0, 1, 1])
})
