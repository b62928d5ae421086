/** What a supervised reader does for those around it: who watches, who is told, what it says of a device in the way. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { AppError } from '../shared/errors.ts'
import { SimulatedDevices } from './drivers/simulated-devices.ts'
import { ManualClock } from './manual-clock.testing.ts'
import type { Feedback, Reader, ReaderContext, ReaderDriver, ReaderEvent, Tap } from './reader.ts'
import { readReaderSpec, type ReaderSpec } from './spec.ts'
import type { SupervisorEvent } from './reader-status.ts'
import { superviseReader } from './supervisor.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-supervision-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

function start(spec: ReaderSpec, clock = new ManualClock(), devices = new SimulatedDevices(clock)) {
  const taps: Tap[] = []
  const logged: string[] = []
  const stop = new AbortController()
  const reader = superviseReader({
    spec,
    clock,
    log: pino({}, { write: (text: string) => logged.push(text) }),
    simulatedDevices: devices,
    onTap: (tap) => {
      taps.push(tap)
    },
    random: () => 0.5,
  })
  const running = reader.run(stop.signal)
  return {
    ...{ clock, devices, reader, taps, logged },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}

async function startSimulated() {
  const started = start(await readReaderSpec('simulated:lobby'))
  await started.clock.pass(0)
  return started
}

/** A reader at `path` whose sessions say what the test lets them say. */
class ScriptedReader {
  readonly spec: ReaderSpec
  readonly shown: Feedback[] = []
  attempts = 0
  open: (context: ReaderContext) => void = () => undefined
  say: (event: ReaderEvent) => void = () => undefined
  lose: () => void = () => undefined

  constructor(path: string, hasLights = true) {
    const profile = { format: 'hex', byteOrder: 'as-sent' } as const
    const options = { path, profile, presenceGapMs: 0, cooldownMs: 0 }
    const driver: ReaderDriver = {
      name: 'scripted',
      summary: '',
      options: z.any().transform(() => options),
      optionHelp: [],
      discover: () => Promise.resolve([]),
      open: (_options, context) => {
        this.attempts += 1
        this.open(context)
        return Promise.resolve(this.#session(hasLights))
      },
    }
    this.spec = { id: `scripted:${path}`, driver, options }
  }

  card(clock: ManualClock, payload = 'A0C2BBCA'): void {
    this.say({ type: 'frame', payload, form: 'text', proof: 'none', receivedAtMonoMs: clock.monoMs() })
  }

  #session(hasLights: boolean): Reader {
    const stream = new ReadableStream<ReaderEvent>({
      start: (controller) => {
        this.say = (event) => {
          controller.enqueue(event)
        }
        this.lose = () => {
          controller.error(new AppError('reader-unplugged', 'gone'))
        }
      },
    })
    let close: () => void = () => undefined
    const closed = new Promise<void>((resolve) => (close = resolve))
    return {
      capabilities: { removal: 'inferred' },
      async *events() {
        const reader = stream.getReader()
        while (true) {
          const next = await Promise.race([reader.read(), closed])
          if (next?.value === undefined) return
          yield next.value
        }
      },
      ...(hasLights ? { feedback: (what: Feedback) => void this.shown.push(what) } : {}),
      [Symbol.asyncDispose]: () => {
        close()
        return Promise.resolve()
      },
    }
  }
}

describe('who watches a reader', () => {
  test('gets bytes and reads only if asked for, beside others who do not', async () => {
    await using lobby = await startSimulated()
    const plain: SupervisorEvent[] = []
    const technician: SupervisorEvent[] = []
    lobby.reader.onEvent((event) => plain.push(event))
    const stop = lobby.reader.onEvent((event) => technician.push(event), { bytes: true, frames: true })
    lobby.devices.tap('lobby', 'a0c2bbca')
    await lobby.clock.pass(0)
    expect(plain.map(({ type }) => type)).toEqual(['tap'])
    expect(technician).toMatchObject([
      { type: 'bytes', direction: 'in', hex: '61306332626263610D' },
      {
        type: 'frame',
        readerId: 'simulated:lobby',
        payload: 'a0c2bbca',
        form: 'text',
        receivedAtMonoMs: 0,
        read: { uid: 'A0C2BBCA', identity: 'stable', proof: 'none' },
      },
      { type: 'tap', uid: 'A0C2BBCA' },
    ])
    stop()
    lobby.devices.tap('lobby', 'DEADBEEF')
    await lobby.clock.pass(0)
    expect(technician).toHaveLength(3)
    expect(plain.map(({ type }) => type)).toEqual(['tap', 'tap'])
  })

  test('sees reads that are no tap: of a card that lies there, and of none', async () => {
    await using lobby = await startSimulated()
    const reads: unknown[] = []
    lobby.reader.onEvent(
      (event) => {
        if (event.type === 'frame') reads.push('uid' in event.read ? event.read.uid : event.read.code)
      },
      { frames: true },
    )
    void lobby.devices.hold('lobby', 'A0C2BBCA', 250)
    lobby.devices.raw('lobby', 'A0C\r')
    await lobby.clock.pass(250)
    expect(reads).toEqual(['A0C2BBCA', 'uid-odd-length', 'A0C2BBCA', 'A0C2BBCA'])
    expect(lobby.taps).toHaveLength(1)
  })

  test('may take the taps for a test: they are counted, and reach nobody else until it is over', async () => {
    await using lobby = await startSimulated()
    const seen: string[] = []
    const stop = lobby.reader.onEvent((event) => seen.push(event.type), { takesTaps: true })
    lobby.devices.tap('lobby', 'A0C2BBCA')
    await lobby.clock.pass(0)
    expect({ seen, handed: lobby.taps.length, counted: lobby.reader.status.taps }).toEqual({
      seen: ['tap'],
      handed: 0,
      counted: 1,
    })
    stop()
    lobby.devices.tap('lobby', 'DEADBEEF')
    await lobby.clock.pass(0)
    expect(lobby.taps.map(({ uid }) => uid)).toEqual(['DEADBEEF'])
  })
})

test('a status says what the taps were worth', async () => {
  await using lobby = await startSimulated()
  for (const text of ['A0C2BBCA', '0824A937', 'DEADBEEF', '0013748911']) lobby.devices.tap('lobby', text)
  await lobby.clock.pass(0)
  expect(lobby.reader.status).toMatchObject({
    taps: 4,
    identities: { stable: 2, random: 1, ambiguous: 1 },
    lastTapWorth: { identity: 'ambiguous', proof: 'none' },
  })
})

test('a phone that lies on a reader that polls is one tap, though its number is new each time', async () => {
  const clock = new ManualClock()
  const scripted = new ScriptedReader('x')
  scripted.spec.options.presenceGapMs = 600
  await using desk = start(scripted.spec, clock)
  await clock.pass(0)
  for (const payload of ['0824A937', '080D3523', '08E8D0A1', '08DDEA85']) {
    scripted.card(clock, payload)
    await clock.pass(150)
  }
  expect(desk.taps.map(({ uid }) => uid)).toEqual(['0824A937'])
})

describe('feedback', () => {
  async function tapped(hasLights = true) {
    const clock = new ManualClock()
    const scripted = new ScriptedReader('x', hasLights)
    const started = start(scripted.spec, clock)
    await clock.pass(1_000)
    scripted.card(clock)
    await clock.pass(0)
    const [tap] = started.taps
    if (tap === undefined) throw new Error('there was no tap')
    return { ...started, scripted, tap, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
  }

  test('reaches the reader of the tap', async () => {
    await using it = await tapped()
    it.reader.feedback('accepted', it.tap)
    it.reader.feedback('refused', it.tap)
    expect(it.scripted.shown).toEqual(['accepted', 'refused'])
  })

  test('that comes two seconds late is dropped', async () => {
    await using it = await tapped()
    await it.clock.pass(2_000)
    it.reader.feedback('accepted', it.tap)
    await it.clock.pass(1)
    it.reader.feedback('refused', it.tap)
    expect(it.scripted.shown).toEqual(['accepted'])
  })

  test('of a tap before the reader was opened anew is dropped', async () => {
    await using it = await tapped()
    it.scripted.lose()
    await it.clock.pass(0)
    it.reader.feedback('accepted', it.tap)
    await it.clock.pass(300)
    expect(it.reader.status).toMatchObject({ state: 'ready', opens: 2 })
    it.reader.feedback('accepted', it.tap)
    expect(it.scripted.shown).toEqual([])
    it.scripted.card(it.clock)
    await it.clock.pass(0)
    it.reader.feedback('refused', it.taps[1] ?? it.tap)
    expect(it.scripted.shown).toEqual(['refused'])
  })

  test('to a reader without lights, and a bug in one with, harm nobody', async () => {
    await using dark = await tapped(false)
    dark.reader.feedback('accepted', dark.tap)
    await using broken = await tapped()
    broken.scripted.shown.push = () => {
      throw new Error('a bug in the driver')
    }
    broken.reader.feedback('accepted', broken.tap)
    expect(broken.logged.join('')).toContain('the feedback of the driver failed')
    broken.scripted.card(broken.clock, 'DEADBEEF')
    await broken.clock.pass(0)
    expect(broken.taps).toHaveLength(2)
  })
})

describe('a device that is not there', () => {
  function missing() {
    const path = join(folder, 'reader')
    const scripted = new ScriptedReader(path)
    const isThere = { yes: false }
    scripted.open = () => {
      if (!isThere.yes) throw new AppError('reader-not-found', 'gone')
    }
    return { path, scripted, isThere }
  }

  test('is opened when it appears, without waiting for the back-off', async () => {
    const { path, scripted, isThere } = missing()
    const clock = new ManualClock()
    await using desk = start(scripted.spec, clock)
    await clock.pass(60_000)
    isThere.yes = true
    writeFileSync(path, '')
    // No time passes on this clock: nothing but the watch can wake it.
    await expect.poll(() => desk.reader.status.state, { timeout: 5_000 }).toBe('ready')
  })

  test('is looked for quickly again after something happened to its name, even while it cannot be opened yet', async () => {
    const { path, scripted } = missing()
    const clock = new ManualClock()
    await using _desk = start(scripted.spec, clock)
    await clock.pass(60_000)
    const before = scripted.attempts
    writeFileSync(join(folder, 'another'), '')
    writeFileSync(path, '')
    await expect.poll(() => scripted.attempts, { timeout: 5_000 }).toBe(before + 1)
    await clock.pass(250)
    expect(scripted.attempts).toBe(before + 2)
  })

  test('whose device file never rests does not keep the processor busy', async () => {
    const { path, scripted } = missing()
    const clock = new ManualClock()
    await using _desk = start(scripted.spec, clock)
    for (let round = 0; round < 40; round += 1) {
      writeFileSync(path, String(round))
      await clock.pass(25)
    }
    expect(scripted.attempts).toBeLessThan(10)
  })
})

describe('a fault of a reader that reads all the same', () => {
  test('is in the status with its remedy while it is ready, is logged once, and goes', async () => {
    const clock = new ManualClock()
    const scripted = new ScriptedReader('x')
    await using desk = start(scripted.spec, clock)
    await clock.pass(0)
    scripted.say({ type: 'fault', fault: new AppError('reader-leaking', 'keys reach the console') })
    await clock.pass(0)
    scripted.card(clock)
    await clock.pass(0)
    expect(desk.reader.status).toMatchObject({
      state: 'ready',
      taps: 1,
      fault: { code: 'reader-leaking', hint: expect.stringContaining('60-vlt-readers.rules') as unknown },
    })
    expect(desk.logged.filter((line) => line.includes('reader-leaking'))).toHaveLength(1)
    scripted.say({ type: 'fault', fault: null })
    await clock.pass(0)
    expect(desk.reader.status).toMatchObject({ state: 'ready', fault: null })
  })
})

test('a busy device names the program that has it', async () => {
  const { open } = await import('node:fs/promises')
  const path = join(folder, 'reader')
  await using _held = await open(path, 'w')
  const scripted = new ScriptedReader(path)
  scripted.open = () => {
    throw new AppError('reader-busy', 'locked')
  }
  await using desk = start(scripted.spec)
  await expect
    .poll(() => desk.reader.status.fault, { timeout: 5_000 })
    .toMatchObject({
      code: 'reader-busy',
      holder: { pid: process.pid },
      hint: expect.stringContaining(`(process ${String(process.pid)}) has the reader open`) as unknown,
    })
  expect(desk.logged.join('')).toContain(`process ${String(process.pid)}`)
})
