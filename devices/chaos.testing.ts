import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../shared/clock.ts'
import { AppError } from '../shared/errors.ts'
import { readerContext, superviseAlone } from './session.testing.ts'
import type { ReaderSpec } from './spec.ts'

/** The two cards of every bench. */
export type Card = 'first' | 'second'

export interface ChaosSubject<Bench> {
  name: string
  /** What each card is when tapped. */
  uids: Record<Card, string>
  plug: () => Promise<Bench>
}

export interface ChaosCase<Bench> {
  name: string
  run: (subject: ChaosSubject<Bench>) => Promise<void>
}

/** What an hour is at 9600 baud: a thousand bytes a second, all noise, the same each time. */
export function* hourOfNoise(): Generator<Uint8Array, void, undefined> {
  let state = 0x2545f491
  for (let second = 0; second < 3_600; second += 1) {
    yield Uint8Array.from({ length: 960 }, () => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return state & 0xff
    })
  }
}

/** A reader as the agent runs it. */
export function superviseSpec(spec: ReaderSpec, clock?: Clock) {
  const reader = superviseAlone(spec, readerContext(clock === undefined ? {} : { clock }))
  const { supervisor, taps, uids } = reader
  return {
    ...reader,
    status: () => supervisor.status,
    isReady: (opens: number) =>
      until(`ready for the ${String(opens)}. time`, () => {
        const { state, opens: soFar } = supervisor.status
        return state === 'ready' && soFar >= opens
      }),
    /** Exactly these taps so far. */
    tapped(...expected: string[]): void {
      assert.deepEqual(uids(), expected)
    },
    /** Exactly these taps, soon. */
    async hasTapped(...expected: string[]): Promise<void> {
      await until('tapped', () => taps.length >= expected.length)
      assert.deepEqual(uids(), expected)
    },
  }
}

export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new AppError('reader-failed', `not ${what} after ten seconds`)
    await delay(10)
  }
}
