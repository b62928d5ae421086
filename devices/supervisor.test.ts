import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ManualClock } from './manual-clock.testing.ts'
import { SimulatedDevices } from './drivers/simulated-devices.ts'
import type { Reader, ReaderDriver, Rejection, Tap } from './reader.ts'
import { readReaderSpec, type ReaderSpec } from './spec.ts'
import type { ReaderStatus, SupervisorEvent } from './reader-status.ts'
import { superviseReader, type SupervisorOptions } from './supervisor.ts'

interface LogLine {
  level: number
  msg: string
  code?: string
  bytes?: number
  reader?: string
}

async function start(given: Partial<SupervisorOptions> & { specText?: string } = {}) {
  const clock = new ManualClock()
  const simulatedDevices = new SimulatedDevices(clock)
  const logged: string[] = []
  const taps: Tap[] = []
  const rejections: Rejection[] = []
  const states: ReaderStatus[] = []
  const events: SupervisorEvent[] = []
  const stop = new AbortController()
  const supervisor = superviseReader({
    spec: await readReaderSpec(given.specText ?? 'simulated:lobby'),
    clock,
    log: pino({ level: 'debug' }, { write: (text: string) => logged.push(text) }),
    simulatedDevices,
    onTap: (tap) => {
      taps.push(tap)
    },
    onRejected: (rejection) => rejections.push(rejection),
    onState: (status) => states.push(status),
    random: () => 0.5,
    ...given,
  })
  const unsubscribe = supervisor.onEvent((event) => events.push(event))
  const running = supervisor.run(stop.signal)
  await clock.pass(0)
  return {
    clock,
    devices: simulatedDevices,
    supervisor,
    taps,
    rejections,
    states,
    events,
    unsubscribe,
    logged,
    lines: (): LogLine[] => logged.map((text) => JSON.parse(text) as LogLine),
    uids: () => taps.map(({ uid }) => uid),
    stop: async () => {
      stop.abort()
      await running
    },
  }
}

/** A driver whose every open does what the test says. */
function specOf(open: (attempt: number) => Promise<Reader>): ReaderSpec {
  let attempts = 0
  const profile = { format: 'hex', byteOrder: 'as-sent' } as const
  const options = { path: 'x', profile, presenceGapMs: 600, cooldownMs: 1_500 }
  const driver: ReaderDriver = {
    name: 'scripted',
    summary: '',
    options: z.any().transform(() => options),
    optionHelp: [],
    discover: () => Promise.resolve([]),
    open: () => open((attempts += 1)),
  }
  return { id: 'scripted:x', driver, options }
}

describe('a tap', () => {
  test('is who, where and when', async () => {
    const { clock, devices, supervisor, taps, events, stop } = await start()
    await clock.pass(5_000)
    devices.tap('lobby', 'a0:c2:bb:ca')
    await clock.pass(0)
    const tappedAt = '2025-01-01T00:00:05.000Z'
    const worth = { identity: 'stable', proof: 'none' }
    expect(taps).toEqual([
      { readerId: 'simulated:lobby', uid: 'A0C2BBCA', ...worth, tappedAt, tappedAtMonoMs: 5_000 },
    ])
    expect(events.at(-1)).toEqual({
      type: 'tap',
      readerId: 'simulated:lobby',
      uid: 'A0C2BBCA',
      ...worth,
      tappedAt,
    })
    expect(supervisor.status).toMatchObject({
      taps: 1,
      lastTapAt: tappedAt,
      state: 'ready',
      fault: null,
      opens: 1,
    })
    await stop()
  })

  test('is one for a card that lies there for an hour', async () => {
    const { clock, devices, taps, stop } = await start()
    void devices.hold('lobby', 'A0C2BBCA', 3_600_000)
    await clock.pass(3_600_000)
    expect(taps).toHaveLength(1)
    await stop()
  })

  test('is a second one when the card left and came back', async () => {
    const { clock, devices, taps, stop } = await start()
    devices.tap('lobby', 'A0C2BBCA')
    devices.tap('lobby', 'A0C2BBCA')
    await clock.pass(0)
    expect(taps).toHaveLength(2)
    await stop()
  })

  test('is no second one when the reader is unplugged and back while the card lies there', async () => {
    const { clock, devices, supervisor, taps, stop } = await start({
      specText: 'simulated:lobby?cooldownMs=1500',
    })
    void devices.hold('lobby', 'A0C2BBCA', 10_000)
    await clock.pass(1_000)
    devices.unplug('lobby', 100)
    await clock.pass(500)
    void devices.hold('lobby', 'A0C2BBCA', 10_000)
    await clock.pass(1_000)
    expect(supervisor.status.opens).toBe(2)
    expect(taps).toHaveLength(1)
    await stop()
  })

  test('is read as the profile says', async () => {
    const { clock, devices, uids, stop } = await start({
      specText: 'simulated:lobby?format=decimal-10&byteOrder=reversed',
    })
    devices.tap('lobby', '3401302688')
    await clock.pass(0)
    expect(uids()).toEqual(['A0C2BBCA'])
    await stop()
  })
})

describe('what a tap is worth', () => {
  test('is said with it: a phone is a tap that identifies nobody', async () => {
    const { clock, devices, taps, stop } = await start()
    devices.tap('lobby', '0824A937')
    devices.tap('lobby', '0013748911')
    await clock.pass(0)
    expect(taps).toMatchObject([
      { uid: '0824A937', identity: 'random', proof: 'none' },
      { uid: '0013748911', identity: 'ambiguous', proof: 'none' },
    ])
    await stop()
  })

  test('is what the reader, the format and the profile say together', async () => {
    const { clock, devices, taps, stop } = await start({
      specText: 'simulated:lobby?format=wiegand-26',
    })
    devices.tap('lobby', '0DED875')
    await clock.pass(0)
    expect(taps).toMatchObject([{ uid: '006F6C3A', identity: 'truncated', proof: 'parity' }])
    await stop()
  })

  test('comes from the frame, which may be bytes, and whose size is counted in bytes', async () => {
    const said = Promise.withResolvers<undefined>()
    const frame = { type: 'frame', form: 'bytes', proof: 'checksum', receivedAtMonoMs: 0 } as const
    const { taps, rejections, stop } = await start({
      spec: specOf(() =>
        Promise.resolve({
          capabilities: { removal: 'inferred' },
          async *events() {
            yield { ...frame, payload: '0824A937', technology: 'lf' } as const
            yield { ...frame, payload: '00000000' }
            await said.promise
          },
          [Symbol.asyncDispose]: () => {
            said.resolve(undefined)
            return Promise.resolve()
          },
        }),
      ),
    })
    expect(taps).toMatchObject([{ uid: '0824A937', identity: 'stable', proof: 'checksum' }])
    expect(rejections).toEqual([{ code: 'uid-blank', bytes: 4 }])
    await stop()
  })
})

describe('what is no tap', () => {
  test('is counted, told and logged once, without its bytes', async () => {
    const { clock, devices, supervisor, taps, rejections, events, logged, lines, stop } = await start()
    devices.tap('lobby', 'A0C2BBC')
    devices.tap('lobby', 'A0C2BBC')
    devices.raw('lobby', '04A224F1')
    await clock.pass(300)
    expect(taps).toEqual([])
    expect(supervisor.status.rejected).toEqual({ 'uid-odd-length': 2, 'frame-incomplete': 1 })
    expect(rejections).toEqual([
      { code: 'uid-odd-length', bytes: 7 },
      { code: 'uid-odd-length', bytes: 7 },
      { code: 'frame-incomplete', bytes: 8 },
    ])
    expect(events.filter(({ type }) => type === 'rejected')).toHaveLength(3)
    expect(lines().filter(({ code }) => code === 'uid-odd-length')).toMatchObject([
      { reader: 'simulated:lobby', bytes: 7 },
      { reader: 'simulated:lobby', bytes: 7 },
    ])
    expect(logged.join('')).not.toMatch(/A0C2BBC|04A224F1/)
    await stop()
  })
})

test('no log line holds a UID, whatever happens to the reader', async () => {
  const { clock, devices, logged, stop } = await start()
  devices.tap('lobby', 'A0C2BBCA')
  devices.raw('lobby', 'A0C2BBCA')
  await clock.pass(0)
  devices.unplug('lobby', 5_000)
  await clock.pass(20_000)
  devices.tap('lobby', 'A0C2BBCA')
  await stop()
  expect(logged.length).toBeGreaterThan(2)
  expect(logged.join('')).not.toContain('A0C2')
})

describe('a reader that goes away', () => {
  test('is absent with what to do about it, and ready again when it is back', async () => {
    const { clock, devices, supervisor, states, uids, stop } = await start()
    await clock.pass(1_000)
    devices.unplug('lobby', 60_000)
    await clock.pass(0)
    expect(supervisor.status).toMatchObject({
      state: 'absent',
      since: '2025-01-01T00:00:01.000Z',
      fault: { code: 'reader-unplugged', hint: expect.stringContaining('Plug') as unknown },
    })
    await clock.pass(30_000)
    expect(supervisor.status).toMatchObject({
      state: 'absent',
      since: '2025-01-01T00:00:01.000Z',
      fault: { code: 'reader-not-found' },
    })
    await clock.pass(30_000 + 2_000)
    expect(supervisor.status).toMatchObject({ state: 'ready', fault: null, opens: 2 })
    devices.tap('lobby', 'A0C2BBCA')
    await clock.pass(0)
    expect(uids()).toEqual(['A0C2BBCA'])
    expect(states.map(({ state, fault }) => [state, fault?.code])).toEqual([
      ['opening', undefined],
      ['ready', undefined],
      ['absent', 'reader-unplugged'],
      ['absent', 'reader-not-found'],
      ['ready', undefined],
    ])
    await stop()
  })

  test('is logged when its fault changes, not at each retry', async () => {
    const { clock, devices, lines, stop } = await start()
    devices.unplug('lobby', 3_600_000)
    await clock.pass(3_600_000 + 5_000)
    await stop()
    expect(lines().map(({ msg, code }) => code ?? msg)).toEqual([
      'the reader is ready',
      'reader-unplugged',
      'reader-not-found',
      'the reader is ready',
    ])
  })
})

describe('retries', () => {
  async function attemptTimes(random: number): Promise<number[]> {
    const times: number[] = []
    const at = { nowMs: (): number => 0 }
    const running = await start({
      random: () => random,
      spec: specOf(() => {
        times.push(Math.round(at.nowMs()))
        return Promise.reject(new TypeError('a bug in the driver'))
      }),
    })
    at.nowMs = () => running.clock.monoMs()
    await running.clock.pass(20_000)
    await running.stop()
    return times
  }

  test('come after 250 ms, twice as long each time, at most every 2 s, for ever', async () => {
    const times = await attemptTimes(0.5)
    expect(times.slice(0, 8)).toEqual([0, 250, 750, 1_750, 3_750, 5_750, 7_750, 9_750])
    expect(times.length).toBeGreaterThan(11)
  })

  test('are spread by a fifth', async () => {
    expect((await attemptTimes(0)).slice(0, 3)).toEqual([0, 200, 600])
    expect((await attemptTimes(1)).slice(0, 3)).toEqual([0, 300, 900])
  })

  test('start from the short end again after ten seconds of work, and not before', async () => {
    const { clock, devices, supervisor, stop } = await start()
    const glitch = async (): Promise<void> => {
      devices.unplug('lobby', 1)
      await clock.pass(260)
    }
    for (let opens = 2; opens <= 3; opens += 1) {
      await clock.pass(10_000)
      await glitch()
      expect(supervisor.status).toMatchObject({ state: 'ready', opens })
    }
    await glitch()
    expect(supervisor.status).toMatchObject({ state: 'absent', opens: 3 })
    await stop()
  })
})

describe('a bug', () => {
  test('in a driver is a fault that is logged once, and retried', async () => {
    const { clock, supervisor, lines, stop } = await start({
      spec: specOf(() => Promise.reject(new TypeError('a bug in the driver'))),
    })
    await clock.pass(60_000)
    expect(supervisor.status).toMatchObject({ state: 'absent', fault: { code: 'reader-failed' }, opens: 0 })
    expect(lines()).toMatchObject([{ level: 50, code: 'reader-failed', reader: 'scripted:x' }])
    await stop()
  })

  test('in a session that just ends, or whose close throws, is a fault too', async () => {
    const { clock, supervisor, lines, stop } = await start({
      spec: specOf(() =>
        Promise.resolve({
          capabilities: { removal: 'inferred' },
          async *events() {
            await Promise.resolve()
            yield* []
          },
          [Symbol.asyncDispose]: () => Promise.reject(new Error('cannot close')),
        }),
      ),
    })
    await clock.pass(5_000)
    expect(supervisor.status).toMatchObject({ state: 'absent', fault: { code: 'reader-failed' } })
    expect(supervisor.status.opens).toBeGreaterThan(2)
    expect(lines().filter(({ msg }) => msg === 'the reader could not be closed').length).toBeGreaterThan(2)
    await stop()
    expect(supervisor.status.state).toBe('stopped')
  })

  test('in a handler is logged, and the next tap still comes', async () => {
    const seen: string[] = []
    const { clock, devices, supervisor, lines, stop } = await start({
      onTap: ({ uid }) => {
        seen.push(uid)
        throw new Error('the outbox is full')
      },
      onState: () => Promise.reject(new Error('the page is gone')) as unknown as undefined,
    })
    supervisor.onEvent(() => {
      throw new Error('the monitor is gone')
    })
    devices.tap('lobby', 'A0C2BBCA')
    devices.tap('lobby', 'DEADBEEF')
    await clock.pass(0)
    expect(seen).toEqual(['A0C2BBCA', 'DEADBEEF'])
    const messages = lines().map(({ msg }) => msg)
    expect(messages.filter((msg) => msg === 'the tap handler failed')).toHaveLength(2)
    expect(messages).toContain('the state handler failed')
    expect(messages).toContain('an event listener failed')
    await stop()
  })

  test('in a handler that fails later is logged too', async () => {
    const { clock, devices, lines, stop } = await start({
      onTap: () => Promise.reject(new Error('the outbox is full')),
    })
    devices.tap('lobby', 'A0C2BBCA')
    await clock.pass(0)
    expect(lines().map(({ msg }) => msg)).toContain('the tap handler failed')
    await stop()
  })
})

describe('stopping', () => {
  test('closes the reader before run returns, and hands over what was read', async () => {
    const { devices, supervisor, uids, stop } = await start()
    devices.tap('lobby', 'A0C2BBCA')
    await stop()
    expect(uids()).toEqual(['A0C2BBCA'])
    expect(devices.paths).toEqual([])
    expect(supervisor.status).toMatchObject({ state: 'stopped', fault: null })
  })

  test('does not wait for the next retry', async () => {
    const { clock, devices, supervisor, stop } = await start()
    devices.unplug('lobby', 3_600_000)
    await clock.pass(60_000)
    await stop()
    expect(supervisor.status.state).toBe('stopped')
  })

  test('during an open closes what it opened', async () => {
    let disposed = 0
    const opened = Promise.withResolvers<Reader>()
    const { stop } = await start({ spec: specOf(() => opened.promise) })
    const stopping = stop()
    opened.resolve({
      capabilities: { removal: 'inferred' },
      events: () => {
        throw new Error('nobody should read')
      },
      [Symbol.asyncDispose]: () => {
        disposed += 1
        return Promise.resolve()
      },
    })
    await stopping
    expect(disposed).toBeGreaterThan(0)
  })
})

test('a listener hears nothing after it has unsubscribed', async () => {
  const { clock, devices, events, unsubscribe, stop } = await start()
  unsubscribe()
  const before = events.length
  devices.tap('lobby', 'A0C2BBCA')
  await clock.pass(0)
  expect(events).toHaveLength(before)
  await stop()
})

test('a status is a snapshot', async () => {
  const { clock, devices, supervisor, stop } = await start()
  const before = supervisor.status
  devices.tap('lobby', 'A0C')
  await clock.pass(0)
  expect(before).toMatchObject({ rejected: {}, taps: 0 })
  await stop()
})
