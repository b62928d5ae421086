import { describe, expect, test } from 'vitest'
import { ManualClock } from '../manual-clock.testing.ts'
import { type Card } from '../chaos.testing.ts'
import { virtualChaos, type VirtualBench } from '../virtual-chaos.testing.ts'
import type { ReaderContext } from '../reader.ts'
import { readReaderSpec } from '../spec.ts'
import { MemoryTransport } from '../transports/memory.ts'
import { moduleProtocol } from './module-7941w.ts'
import { pn532Protocol } from './pn532.ts'
import { PollSession, type PollProtocol } from './poll-session.ts'
import {
  Module7941wPersonality,
  Pn532Personality,
  Twn4Personality,
  type Field,
  type Personality,
} from './polled-device.testing.ts'
import { twn4Protocol } from './twn4.ts'

const uids = { first: 'A0C2BBCA', second: '5CBBE5D5' }
const profile = { format: 'hex', byteOrder: 'as-sent' } as const
const pollMs = 150

type Open<Frame> = (clock: ManualClock) => PollProtocol<Frame>

/** A reader that answers at once, in a time of its own. */
async function virtualBench<Frame>(
  driver: string,
  personality: Personality,
  protocolOf: Open<Frame>,
): Promise<VirtualBench> {
  const clock = new ManualClock()
  const spec = await readReaderSpec(`${driver}:/dev/virtual`)
  let card: Card | undefined
  const field: Field = { look: () => (card === undefined ? undefined : uids[card]), lfCard: undefined }
  let line: MemoryTransport | undefined
  const open = (_: unknown, context: ReaderContext) =>
    PollSession.open(context, protocolOf(clock), { pollMs }, (receiver) => {
      let pending = ''
      line = new MemoryTransport(receiver, (bytes) => {
        pending += Buffer.from(bytes).toString('hex').toUpperCase()
        for (let next = personality.next(pending); next !== undefined; next = personality.next(pending)) {
          pending = next.rest
          line?.deliver(Buffer.from(personality.answer(next.request, field), 'hex'))
        }
      })
      return line
    })
  return {
    clock,
    repeats: true,
    spec: { ...spec, driver: { ...spec.driver, open } },
    show: (shown) => {
      card = shown
    },
    pass: (ms) => clock.pass(ms),
    stall: (ms) => {
      clock.stall(ms)
    },
    noise: (bytes) => line?.deliver(bytes),
  }
}

const benches = [
  ['pn532', () => virtualBench('pn532', new Pn532Personality(), () => pn532Protocol())],
  ['twn4', () => virtualBench('twn4', new Twn4Personality(), (clock) => twn4Protocol(clock))],
  ['7941w', () => virtualBench('7941w', new Module7941wPersonality(), () => moduleProtocol(profile))],
] as const

// At a wrong baud rate a reader that is asked does not even answer its probe: there is nothing to misread.
const cases = virtualChaos.filter(({ name }) => name !== 'a wrong baud rate is garbage and no card')

test('the one case that does not fit is left out, and no other', () => {
  expect(cases).toHaveLength(virtualChaos.length - 1)
})

describe.each(benches)('%s in the time of a lobby', (name, plug) => {
  test.each(cases)('$name', async ({ run }) => {
    await run({ name, uids, plug })
  })
})
