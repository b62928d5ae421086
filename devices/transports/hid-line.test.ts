import { rm, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import type { AppError } from '../../shared/errors.ts'
import { toHex } from '../codecs/bytes.ts'
import { ManualClock } from '../manual-clock.testing.ts'
import { accessError, openHid, type HidBus, type HidLine, type HidLineOptions } from './hid-line.ts'
import {
  compositeKeyboard,
  FakeHid,
  keyboardWithFeature,
  noKeyboard,
  typed,
  type FakeHidModel,
} from './hid.testing.ts'

const ffff = { vendorId: 'ffff', productId: '0035' }
const reader: FakeHidModel = { id: 'FFFF:0035' }

/** What a line delivers, in hex, and how it was lost. */
function receive() {
  const reports: string[] = []
  const losses: string[] = []
  const receiver = {
    bytes: (report: Uint8Array) => void reports.push(toHex(report)),
    failed: (error: AppError) => void losses.push(error.code),
  }
  return { reports, losses, receiver }
}

function open(
  bus: HidBus,
  to = receive(),
  options: Partial<HidLineOptions> = {},
  clock = systemClock,
  signal = new AbortController().signal,
): Promise<HidLine> {
  return openHid(
    bus,
    { address: ffff, need: 'keyboard', settleMs: 0, ...options },
    to.receiver,
    clock,
    signal,
  )
}

describe('opening', () => {
  test('what is not there, or no such device, says so', async () => {
    await using machine = await FakeHid.create()
    await expect(open(machine.bus)).rejects.toMatchObject({ code: 'reader-not-found' })
    const other = await machine.plug({ ...reader, descriptor: noKeyboard })
    await expect(open(machine.bus)).rejects.toMatchObject({ code: 'reader-protocol' })
    await expect(open(machine.bus, receive(), { need: 'feature' })).rejects.toMatchObject({
      code: 'reader-protocol',
    })
    await other.unplug()
    const plugged = await machine.plug(reader)
    await rm(plugged.node)
    await expect(open(machine.bus)).rejects.toMatchObject({ code: 'reader-not-found' })
  })

  test('tells what the node says from what the driver says', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(reader)
    await rm(plugged.node)
    const failing: HidBus = {
      ...machine.bus,
      open: () => Promise.reject(new Error('not asked')),
    }
    await expect(open(failing)).rejects.toMatchObject({ code: 'reader-not-found' })
    await writeFile(plugged.node, '')
    await expect(open(failing)).rejects.toThrow('not asked')
    // And leaves nothing locked.
    await using line = await open(machine.bus)
    expect(line.device.node).toBe(plugged.node)
  })

  test.each([
    ['EACCES', 'reader-permission'],
    ['EPERM', 'reader-permission'],
    ['ENOENT', 'reader-not-found'],
    ['EIO', 'reader-failed'],
  ])('a node that answers %s is %s', (native, code) => {
    expect(accessError('/dev/hidraw0', Object.assign(new Error('no'), { code: native }))).toMatchObject({
      code,
    })
  })

  test('is for one: the next finds it busy, until it is disposed', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(reader)
    const line = await open(machine.bus)
    await expect(open(machine.bus)).rejects.toMatchObject({ code: 'reader-busy' })
    expect(plugged.openings).toBe(1)
    await Promise.all([line[Symbol.asyncDispose](), line[Symbol.asyncDispose]()])
    expect(plugged.openings).toBe(0)
    await (await open(machine.bus))[Symbol.asyncDispose]()
  })

  test('a node that became another device meanwhile is closed again, unread', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(reader)
    let opened = 0
    const slow: HidBus = {
      ...machine.bus,
      open: async (path, receiver) => {
        await plugged.unplug('silently')
        const keyboard = await machine.plug({ id: '046D:C31C' })
        const hidraw = await machine.bus.open(path, receiver)
        opened = keyboard.openings
        keyboard.send(...typed('secret'))
        return {
          ...hidraw,
          [Symbol.asyncDispose]: () => hidraw[Symbol.asyncDispose]().then(() => void (opened -= 1)),
        }
      },
    }
    const to = receive()
    await expect(open(slow, to)).rejects.toMatchObject({ code: 'reader-not-found' })
    expect({ opened, ...to }).toMatchObject({ opened: 0, reports: [], losses: [] })
  })
})

describe('settling', () => {
  const settling = { settleMs: 100 }

  test('throws away the rest of a card, until its reader has been silent', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(reader)
    const to = receive()
    const opening = open(machine.bus, to, { settleMs: 400 })
    await expect.poll(() => plugged.openings).toBe(1)
    for (const digit of '04A224F1') {
      plugged.send(...typed(digit))
      await systemClock.sleep(30, new AbortController().signal)
    }
    await using line = await opening
    expect(line.device.index).toBe(0)
    plugged.send('0000040000000000')
    expect(to.reports).toEqual(['0000040000000000'])
  })

  test('takes a report that is repeated for ever for silence', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(reader)
    const opening = open(machine.bus, receive(), settling)
    const repeating = setInterval(() => {
      plugged.send('0000000000000000')
    }, 10)
    try {
      await (await opening)[Symbol.asyncDispose]()
    } finally {
      clearInterval(repeating)
    }
  })

  test('gives up on a device that never stops, and when it is told to', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(reader)
    const typing = setInterval(() => {
      plugged.send(...typed('a'))
    }, 20)
    try {
      await expect(open(machine.bus, receive(), settling)).rejects.toMatchObject({ code: 'reader-failed' })
      const stop = new AbortController()
      const opening = open(machine.bus, receive(), settling, systemClock, stop.signal)
      stop.abort()
      await expect(opening).rejects.toMatchObject({ code: 'reader-failed' })
    } finally {
      clearInterval(typing)
    }
    expect(plugged.openings).toBe(0)
  })

  test('ends with the device', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(reader)
    const to = receive()
    const opening = open(machine.bus, to, { settleMs: 60_000 })
    await expect.poll(() => plugged.openings).toBe(1)
    const refused = expect(opening).rejects.toMatchObject({ code: 'reader-unplugged' })
    await plugged.unplug()
    await refused
    expect({ openings: plugged.openings, losses: to.losses }).toEqual({ openings: 0, losses: [] })
  })
})

describe('an open line', () => {
  test('delivers the reports of the keyboard, and not those of its volume keys', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug({ ...reader, descriptor: compositeKeyboard })
    const to = receive()
    await using line = await open(machine.bus, to)
    plugged.send('020000040000000000', '030029', '020000000000000000', '03')
    expect(to.reports).toEqual(['020000040000000000', '020000000000000000'])
    expect(line.device.reports.keyboardIds).toEqual([2])
  })

  test('is lost once, and closed, when reading fails', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(reader)
    const to = receive()
    await using line = await open(machine.bus, to)
    await plugged.unplug()
    plugged.failReading()
    plugged.send('0000040000000000')
    expect({ reports: to.reports, losses: to.losses, openings: plugged.openings }).toEqual({
      reports: [],
      losses: ['reader-unplugged'],
      openings: 0,
    })
    expect(line.device.node).toBe(plugged.node)
  })

  test.each(['nothing', 'another device'])(
    'is lost within half a second when sysfs shows %s',
    async (what) => {
      await using machine = await FakeHid.create()
      const clock = new ManualClock()
      const plugged = await machine.plug(reader)
      const to = receive()
      await using line = await open(machine.bus, to, {}, clock)
      await clock.pass(2_000)
      expect(to.losses).toEqual([])
      await plugged.unplug('silently')
      if (what === 'another device') await machine.plug({ id: '046D:C31C' })
      await clock.pass(500)
      await expect.poll(() => to.losses).toEqual(['reader-unplugged'])
      expect(line.device.node).toBe(plugged.node)
    },
  )

  test('says nothing after it was disposed', async () => {
    await using machine = await FakeHid.create()
    const clock = new ManualClock()
    const plugged = await machine.plug(reader)
    const to = receive()
    const line = await open(machine.bus, to, {}, clock)
    await line[Symbol.asyncDispose]()
    await plugged.unplug()
    await clock.pass(2_000)
    expect({ reports: to.reports, losses: to.losses }).toEqual({ reports: [], losses: [] })
  })
})

describe('asking', () => {
  const need = 'feature' as const
  const model: FakeHidModel = { ...reader, descriptor: keyboardWithFeature }
  const request = Uint8Array.of(0, 0x8f, 0, 0, 0, 0, 0, 0, 0)

  test('sends, waits a millisecond, and gets', async () => {
    await using machine = await FakeHid.create()
    const clock = new ManualClock()
    await machine.plug({ ...model, answer: (asked) => Uint8Array.from(asked, (byte) => byte + 1) })
    await using line = await open(machine.bus, receive(), { need }, clock)
    let answer: Uint8Array | undefined
    const asking = line.ask(request).then((bytes) => (answer = bytes))
    await clock.pass(0)
    expect(answer).toBeUndefined()
    await clock.pass(1)
    expect(toHex(await asking)).toBe('019001010101010101')
  })

  test('a device that refuses is no lost one', async () => {
    await using machine = await FakeHid.create()
    await machine.plug(model)
    const to = receive()
    await using line = await open(machine.bus, to, { need })
    await expect(line.ask(request)).rejects.toThrow(/Broken pipe/)
    expect(to.losses).toEqual([])
  })

  test('one that has left is lost at once; one that was disposed only refuses', async () => {
    await using machine = await FakeHid.create()
    const plugged = await machine.plug(model)
    const to = receive()
    const line = await open(machine.bus, to, { need })
    await plugged.unplug('silently')
    await expect(line.ask(request)).rejects.toThrow(/No such device/)
    expect(to.losses).toEqual(['reader-unplugged'])
    await line[Symbol.asyncDispose]()
    await expect(line.ask(request)).rejects.toThrow(/closed/)
    expect(to.losses).toEqual(['reader-unplugged'])
  })
})
