import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../manual-clock.testing.ts'
import { type VirtualBench, virtualChaos } from '../virtual-chaos.testing.ts'
import { readerConformance, type ReaderBench } from '../reader-conformance.testing.ts'
import { listen, readerContext, superviseAlone } from '../session.testing.ts'
import { readReaderSpec } from '../spec.ts'
import {
  compositeKeyboard,
  FakeHid,
  noKeyboard,
  threeByteKeyboard,
  type FakeHidModel,
  typed,
} from '../transports/hid.testing.ts'
import { hidKeyboard, hidKeyboardOn } from './hid-keyboard.ts'

const model: FakeHidModel = { id: 'FFFF:0035', serial: '08FF20140315' }

/** Opens what a spec names on a machine that is played. */
async function openOn(machine: FakeHid, path = 'ffff:0035', query: Record<string, string> = {}, given = {}) {
  const driver = hidKeyboardOn(machine.bus)
  return driver.open(driver.options.parse({ path, ...query }), readerContext(given))
}

/** Everything a session says until it is over. */
/** A supervised reader as the agent runs it. */
function supervise(machine: FakeHid, path: string, query: Record<string, string> = {}) {
  const driver = hidKeyboardOn(machine.bus)
  return superviseAlone({
    id: `hid-keyboard:${path}`,
    driver,
    options: driver.options.parse({ path, ...query }),
  })
}

describe('the hid-keyboard reader keeps the promises of every reader', () => {
  test.each(readerConformance)('$name', async ({ run }) => {
    await using machine = await FakeHid.create()
    let plugged = await machine.plug(model)
    const bench: ReaderBench = {
      open: () => openOn(machine),
      frame: (text) => {
        plugged.send(...typed(`${text}\n`))
        return Promise.resolve()
      },
      half: () => {
        plugged.send(...typed('04A224'))
        return Promise.resolve()
      },
      unplug: () => plugged.unplug(),
      replug: async () => {
        plugged = await machine.plug(model)
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
    await run(bench)
  })
})

describe('the hid-keyboard reader outlives what goes wrong in a lobby', () => {
  const uids = { first: 'A0C2BBCA', second: '04A224F1' }

  test.each(virtualChaos)('$name', { timeout: 60_000 }, async ({ run }) => {
    await using stack = new AsyncDisposableStack()
    await run({
      name: 'hid-keyboard',
      uids,
      async plug(): Promise<VirtualBench> {
        const machine = stack.use(await FakeHid.create())
        const plugged = await machine.plug(model)
        const clock = new ManualClock()
        const driver = hidKeyboardOn(machine.bus)
        const options = driver.options.parse({ path: 'ffff:0035', uidBytes: '4', end: 'silence' })
        let isOpen = false
        return {
          clock,
          spec: { id: 'hid-keyboard:ffff:0035', driver, options },
          repeats: false,
          show: (card) => {
            if (card !== undefined) plugged.send(...typed(`${uids[card]}\n`))
          },
          pass: async (ms) => {
            // Opening looks at files: that takes real time.
            for (; !isOpen && ms > 0; ms -= 5) {
              await clock.pass(5)
              await delay(1)
            }
            isOpen = true
            await clock.pass(ms)
          },
          stall: (ms) => {
            clock.stall(ms)
          },
          noise: (bytes) => {
            for (let start = 0; start < bytes.length; start += 8) plugged.send(bytes.slice(start, start + 8))
            // However mad, when it is quiet no key is down.
            plugged.send(new Uint8Array(8))
          },
        }
      },
    })
  })
})

describe('what is typed is read', () => {
  test.each([
    ['8 bytes', 'eight', undefined],
    ['9 bytes with a report ID', 'nine', compositeKeyboard],
    ['3 bytes', 'three', threeByteKeyboard],
  ] as const)('in reports of %s', async (_, layout, descriptor) => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(descriptor === undefined ? model : { ...model, descriptor })
    await using reader = await openOn(machine)
    const { texts } = listen(reader)
    plugged.send(...typed('A0c2BBCA\n0013748911\n', layout))
    await expect.poll(() => texts).toEqual(['A0c2BBCA', '0013748911'])
  })

  test('without releases between different keys, as some readers leave them out', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug({ ...model, descriptor: threeByteKeyboard })
    await using reader = await openOn(machine)
    const { texts } = listen(reader)
    plugged.send('010027', '010027', '01001E', '010020', '010000', '010020', '010028')
    await expect.poll(() => texts).toEqual(['0133'])
  })

  test('once for a key that is held: the report is repeated, the key is not', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(model)
    await using reader = await openOn(machine)
    const { texts } = listen(reader)
    const repeated = typed('a0c2bbca\n').flatMap((report) => [report, report, report])
    plugged.send(...repeated)
    await expect.poll(() => texts).toEqual(['a0c2bbca'])
  })

  test('by position, whatever layout the system has: on a Spanish kiosk too - is the key right of 0 of a US keyboard', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(model)
    await using reader = await openOn(machine)
    const { texts } = listen(reader)
    // A Spanish layout makes ' of usage 2D, Ñ of 33, and of 36 a comma like the others.
    const presses = ['00002D', '020033', '000036', '00001F', '000028']
    plugged.send(...presses.flatMap((start) => [`${start}0000000000`, '0000000000000000']))
    await expect.poll(() => texts).toEqual(['-:,2'])
  })

  test('in order though noise and reports of odd sizes come between cards', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(model)
    await using reader = await openOn(machine)
    const { texts } = listen(reader)
    plugged.send(...typed('11111111\n'), new Uint8Array(0), '00', '0101010101010101', new Uint8Array(64))
    plugged.send(...typed('22222222\n'))
    // Half a report is no report: its rest is another.
    plugged.send('00000400', '00000000')
    plugged.send(...typed('33333333\n'))
    await expect
      .poll(() => texts.filter((text) => !text.startsWith('!')))
      .toEqual(['11111111', '22222222', '33333333'])
    expect(texts.filter((text) => text.startsWith('!'))).toEqual(
      Array.from({ length: 5 }, () => '!frame-garbled'),
    )
  })

  test('by silence where no key ends a card, and given up where one should have', async () => {
    for (const [end, outcome] of [
      ['silence', 'a0c2bbca'],
      ['key', '!frame-incomplete'],
    ] as const) {
      await using machine = await FakeHid.create()
      const plugged = await machine.plug(model)
      await using reader = await openOn(machine, 'ffff:0035', { end, idleResetMs: '50' })
      const { texts } = listen(reader)
      plugged.send(...typed('a0c2bbca'))
      await expect.poll(() => texts).toEqual([outcome])
    }
  })

  test('and becomes taps by its profile', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(model)
    const query = { format: 'decimal-10', byteOrder: 'reversed', prefix: ';', suffix: '=' }
    await using reader = supervise(machine, 'ffff:0035', query)
    await expect.poll(() => reader.supervisor.status.state, { timeout: 5_000 }).toBe('ready')
    plugged.send('0000330000000000', ...typed('3401302688'), '00002E0000000000', ...typed('\n'))
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['A0C2BBCA'])
  })
})

describe('of two readers of one model', () => {
  const left: FakeHidModel = { id: 'FFFF:0035', serial: 'same', port: 'usb-0000:00:14.0-1' }
  const right: FakeHidModel = { ...left, port: 'usb-0000:00:14.0-2.4' }

  test('each is read by its port', async () => {
    await using machine = await FakeHid.create()
    const plugged = [await machine.plug(left, 0), await machine.plug(right, 1)]
    await using atLeft = await openOn(machine, 'ffff:0035@usb-0000:00:14.0-1')
    await using atRight = await openOn(machine, 'FFFF:0035@usb-0000:00:14.0-2.4')
    const heard = [listen(atLeft).texts, listen(atRight).texts]
    plugged[0]?.send(...typed('11111111\n'))
    plugged[1]?.send(...typed('22222222\n'))
    await expect.poll(() => heard).toEqual([['11111111'], ['22222222']])
  })

  test('each is read by its serial number, wherever it is plugged in', async () => {
    await using machine = await FakeHid.create()
    const first = await machine.plug({ ...left, serial: 'L' }, 0)
    const second = await machine.plug({ ...right, serial: 'R' }, 1)
    await using reader = await openOn(machine, 'ffff:0035:R')
    const { texts } = listen(reader)
    first.send(...typed('11111111\n'))
    second.send(...typed('22222222\n'))
    await expect.poll(() => texts).toEqual(['22222222'])
  })

  test('none is read where the spec fits both', async () => {
    await using machine = await FakeHid.create()
    await machine.plug(left, 0)
    await machine.plug(right, 1)
    for (const path of ['ffff:0035', 'ffff:0035:same']) {
      await expect(openOn(machine, path)).rejects.toMatchObject({ code: 'reader-not-found' })
    }
  })
})

describe('an unplug', () => {
  test('in the middle of a card leaves nothing behind, and a replug under another node is found', async () => {
    await using machine = await FakeHid.create()
    let plugged = await machine.plug(model, 3)
    await using reader = supervise(machine, 'ffff:0035:08FF20140315')
    await expect.poll(() => reader.supervisor.status.state, { timeout: 5_000 }).toBe('ready')
    plugged.send(...typed('04A224'))
    await plugged.unplug()
    await expect.poll(() => reader.supervisor.status.state, { timeout: 5_000 }).toBe('absent')

    // A person's keyboard has taken the number of the reader.
    const keyboard = await machine.plug({ id: '046D:C31C', port: 'usb-0000:00:14.0-9' }, 3)
    plugged = await machine.plug({ ...model, port: 'usb-0000:00:14.0-7' }, 5)
    await expect.poll(() => reader.supervisor.status.state, { timeout: 5_000 }).toBe('ready')
    keyboard.send(...typed('12345678\n'))
    plugged.send(...typed('DEADBEEF\n'))
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['DEADBEEF'])
    expect(keyboard.openings).toBe(0)
    expect(reader.supervisor.status).toMatchObject({ opens: 2, taps: 1, rejected: { 'frame-incomplete': 1 } })
  })

  test('that nobody reports is noticed by the node', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(model)
    await using reader = await openOn(machine)
    const { ended } = listen(reader)
    const pulledMs = performance.now()
    await plugged.unplug('silently')
    expect(await ended).toMatchObject({ code: 'reader-unplugged' })
    expect(performance.now() - pulledMs).toBeLessThan(1_000)
    expect(plugged.openings).toBe(0)
  })
})

describe('keys that reach the system', () => {
  test('are a fault for as long as they do, and reading goes on', async () => {
    await using machine = await FakeHid.create()
    const clock = new ManualClock()
    const plugged = await machine.plug({ ...model, inhibited: '0' })
    const opening = openOn(machine, 'ffff:0035', {}, { clock })
    const reader = await passUntil(clock, opening)
    const { texts } = listen(reader)
    await expect.poll(() => look(clock).then(() => texts)).toEqual(['fault reader-leaking'])
    plugged.send(...typed('a0c2bbca\n'))
    await look(clock)
    await expect.poll(() => texts).toEqual(['fault reader-leaking', 'a0c2bbca'])
    await plugged.inhibit('1')
    await expect.poll(() => look(clock).then(() => texts.slice(2))).toEqual(['fault over'])
    await plugged.inhibit('0')
    await expect.poll(() => look(clock).then(() => texts.slice(3))).toEqual(['fault reader-leaking'])
    await reader[Symbol.asyncDispose]()
  })

  test('are none while udev has not got to it yet', async () => {
    await using machine = await FakeHid.create()
    const clock = new ManualClock()
    const plugged = await machine.plug({ ...model, inhibited: '0' })
    const reader = await passUntil(clock, openOn(machine, 'ffff:0035', {}, { clock }))
    const { texts, ended } = listen(reader)
    await clock.pass(500)
    await plugged.inhibit('1')
    for (let probe = 0; probe < 3; probe += 1) await look(clock)
    await reader[Symbol.asyncDispose]()
    expect({ ended: await ended, texts }).toEqual({ ended: undefined, texts: [] })
  })

  test('are none where its input device is inhibited, or there is none', async () => {
    for (const inhibited of ['1', null]) {
      await using machine = await FakeHid.create()
      const clock = new ManualClock()
      await machine.plug({ ...model, inhibited })
      const reader = await passUntil(clock, openOn(machine, 'ffff:0035', {}, { clock }))
      const { texts, ended } = listen(reader)
      for (let probe = 0; probe < 3; probe += 1) await look(clock)
      await reader[Symbol.asyncDispose]()
      expect({ ended: await ended, texts }).toEqual({ ended: undefined, texts: [] })
    }
  })

  test('show in the status of a reader that is ready', async () => {
    await using machine = await FakeHid.create()
    await machine.plug({ ...model, inhibited: '0' })
    await using reader = supervise(machine, 'ffff:0035')
    await expect.poll(() => reader.supervisor.status.fault?.code, { timeout: 5_000 }).toBe('reader-leaking')
    expect(reader.supervisor.status.state).toBe('ready')
  })
})

/** Three seconds, and what is read from files in them. */
async function look(clock: ManualClock): Promise<void> {
  for (let step = 0; step < 10; step += 1) {
    await clock.pass(300)
    await delay(2)
  }
}

async function passUntil<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  let isDone = false
  void promise.finally(() => (isDone = true)).catch(() => undefined)
  while (!isDone) {
    await clock.pass(10)
    await delay(1)
  }
  return promise
}

describe('a spec', () => {
  test.each([
    'hid-keyboard:/dev/hidraw0',
    'hid-keyboard:ffff',
    'hid-keyboard:usb',
    'hid-keyboard:usb?vendorId=ffff',
    'hid-keyboard:ffff:0035?vendorId=ffff&productId=0035',
    'hid-keyboard:usb?vendorId=fff&productId=0035',
    'hid-keyboard:ffff:0035?terminator=cr',
    'hid-keyboard:ffff:0035?end=enter',
    'hid-keyboard:ffff:0035?format=decimal-10&uidBytes=7',
  ])('%s is refused', async (text) => {
    await expect(readReaderSpec(text)).rejects.toMatchObject({ code: 'reader-spec-invalid' })
  })

  test('says which device in its path, or in options beside usb', () => {
    const read = (given: Record<string, string>) => hidKeyboard.options.parse(given)
    const address = { vendorId: 'ffff', productId: '0035' }
    expect(read({ path: 'FFFF:0035' })).toMatchObject({ address })
    expect(read({ path: 'usb', vendorId: 'FFFF', productId: '0035' })).toMatchObject({ address })
    expect(read({ path: 'ffff:0035', end: 'silence', idleResetMs: '80', maxBytes: '20' })).toMatchObject({
      keyboard: { end: 'silence', idleResetMs: 80, maxBytes: 20, prefix: '', suffix: '' },
      presenceGapMs: 600,
      cooldownMs: 1_500,
    })
  })
})

test('keyboards are listed by the name that stays their own, and none is opened', async () => {
  await using machine = await FakeHid.create()
  const plugged = [
    await machine.plug({ ...model, name: 'SYC ID&IC USB Reader' }, 0),
    await machine.plug({ id: '1A86:DD01', port: 'usb-0000:00:14.0-3', index: 0, descriptor: noKeyboard }, 1),
    await machine.plug({ id: '1A86:DD01', port: 'usb-0000:00:14.0-3', index: 1 }, 2),
    await machine.plug({ id: '1A86:DD01', port: 'usb-0000:00:14.0-3', index: 2 }, 3),
    await machine.plug({ id: '072F:2200', port: 'usb-0000:00:14.0-4', descriptor: noKeyboard }, 4),
  ]
  const found = await hidKeyboardOn(machine.bus).discover(new AbortController().signal)
  expect(found.map(({ spec }) => spec)).toEqual([
    'hid-keyboard:ffff:0035:08FF20140315',
    'hid-keyboard:1a86:dd01@usb-0000:00:14.0-3',
  ])
  expect(found[0]?.description).toContain('SYC ID&IC USB Reader')
  expect(plugged.map(({ openings }) => openings)).toEqual([0, 0, 0, 0, 0])
  for (const { spec } of found) expect((await readReaderSpec(spec)).id).toBe(spec)
})
