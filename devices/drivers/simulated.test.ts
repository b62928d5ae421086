import { describe, expect, test } from 'vitest'
import { ManualClock } from '../manual-clock.testing.ts'
import { readerConformance, type ReaderBench } from '../reader-conformance.testing.ts'
import type { Reader } from '../reader.ts'
import { readerContext, shortEvent } from '../session.testing.ts'
import { SimulatedDevices } from './simulated-devices.ts'
import { simulated } from './simulated.ts'

function simulatedBench(spec: Record<string, string> = {}) {
  const clock = new ManualClock()
  const devices = new SimulatedDevices(clock)
  const options = simulated.options.parse({ path: 'lobby', ...spec })
  const open = (): Promise<Reader> =>
    simulated.open(options, readerContext({ clock, simulatedDevices: devices }))
  return { clock, devices, open }
}

function conformanceBench(): ReaderBench {
  const { clock, devices, open } = simulatedBench()
  const done = (): Promise<void> => Promise.resolve()
  return {
    open,
    frame: (text) => {
      devices.tap('lobby', text)
      return done()
    },
    half: () => {
      devices.raw('lobby', '04A224')
      return done()
    },
    unplug: () => {
      devices.unplug('lobby', 1_000)
      return done()
    },
    replug: () => clock.pass(1_000),
    [Symbol.asyncDispose]: done,
  }
}

describe('the simulated reader keeps the promises of every reader', () => {
  test.each(readerConformance)('$name', async ({ run }) => {
    await using bench = conformanceBench()
    await run(bench)
  })
})

async function said(reader: Reader): Promise<string[]> {
  await reader[Symbol.asyncDispose]()
  const texts: string[] = []
  for await (const event of reader.events()) texts.push(shortEvent(event))
  return texts
}

test('a tap is one frame and a removal, framed as the options say', async () => {
  for (const terminator of ['any', 'cr', 'lf', 'crlf']) {
    const { devices, open } = simulatedBench({ terminator, prefix: 'UID:', suffix: '\x03' })
    const reader = await open()
    devices.tap('lobby', 'A0C2BBCA')
    expect(await said(reader)).toEqual(['A0C2BBCA', 'removed'])
  }
})

test('a card that is held is read every 100 ms, then removed', async () => {
  const { clock, devices, open } = simulatedBench()
  const reader = await open()
  const held = devices.hold('lobby', 'A0C2BBCA', 350)
  await clock.pass(1_000)
  await held
  expect(await said(reader)).toEqual([...Array.from({ length: 4 }, () => 'A0C2BBCA'), 'removed'])
})

test('holding a card ends with the session', async () => {
  const { devices, open } = simulatedBench()
  const reader = await open()
  const held = devices.hold('lobby', 'A0C2BBCA', 3_600_000)
  await reader[Symbol.asyncDispose]()
  await held
})

test('raw bytes are judged like those of a serial line', async () => {
  const { clock, devices, open } = simulatedBench()
  const reader = await open()
  devices.raw('lobby', 'A0C2')
  await clock.pass(250)
  devices.raw('lobby', Uint8Array.of(0xff, 0x00, 0x0d))
  devices.raw('lobby', `${'A'.repeat(200)}\r`)
  expect(await said(reader)).toEqual(['!frame-incomplete', '!frame-garbled', '!frame-too-long'])
})

test('an unplugged reader comes back when its time has passed', async () => {
  const { clock, devices, open } = simulatedBench()
  await open()
  devices.unplug('lobby', 500)
  await clock.pass(499)
  await expect(open()).rejects.toMatchObject({ code: 'reader-not-found' })
  await clock.pass(1)
  await open()
  expect(devices.paths).toEqual(['lobby'])
})

test('playing on a reader that is not open says so', async () => {
  const { devices, open } = simulatedBench()
  const notFound = expect.objectContaining({ code: 'reader-not-found' }) as unknown
  expect(() => {
    devices.tap('lobby', 'A0C2BBCA')
  }).toThrow(notFound)
  expect(() => {
    devices.raw('lobby', 'A0')
  }).toThrow(notFound)
  expect(() => {
    devices.unplug('lobby', 1)
  }).toThrow(notFound)
  await expect(devices.hold('lobby', 'A0C2BBCA', 1)).rejects.toThrow(notFound)
  await open()
  expect(() => {
    devices.tap('hall', 'A0C2BBCA')
  }).toThrow(notFound)
  devices.unplug('lobby', 1)
  expect(() => {
    devices.tap('lobby', 'A0C2BBCA')
  }).toThrow(notFound)
})
