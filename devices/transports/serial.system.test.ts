import { constants, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { ReadStream } from 'node:tty'
import { expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import type { AppError } from '../../shared/errors.ts'
import { PseudoTerminal } from './pseudo-terminal.testing.ts'
import { openSerial, type SerialLine } from './serial.ts'

const settings = { baudRate: 9_600, dataBits: 8, stopBits: 1, parity: 'none' } as const
const signal = new AbortController().signal

function openLine(line: SerialLine, onBytes: (chunk: Uint8Array) => void) {
  const lost = Promise.withResolvers<AppError>()
  const receiver = { bytes: onBytes, failed: lost.resolve }
  return { lost: lost.promise, opening: openSerial(line, [0x0d], receiver, systemClock, signal) }
}

test('a hang-up between two reads is noticed, and does not burn the processor', async () => {
  await using line = await PseudoTerminal.create()
  // A name that stays valid without the device: nothing but the line itself can tell.
  await using handle = await open(line.path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
  const path = `/proc/self/fd/${String(handle.fd)}`
  const { lost, opening } = openLine({ path, ...settings }, () => {
    line.unplugWithoutYielding()
  })
  const transport = await opening
  await line.write('A')
  expect(await lost).toMatchObject({ code: 'reader-unplugged' })

  const before = process.cpuUsage()
  await delay(500)
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1_000).toBeLessThan(250)
  await transport[Symbol.asyncDispose]()
})

test('disposing resolves when the port is free for the next opener, also together and twice', async () => {
  await using line = await PseudoTerminal.create()
  for (let turn = 0; turn < 5; turn += 1) {
    const transport = await openLine({ path: line.path, ...settings }, () => undefined).opening
    await Promise.all([transport[Symbol.asyncDispose](), transport[Symbol.asyncDispose]()])
  }
})

test('nothing is delivered or reported after disposing', async () => {
  await using line = await PseudoTerminal.create()
  const heard: string[] = []
  const { lost, opening } = openLine({ path: line.path, ...settings }, () => heard.push('bytes'))
  void lost.then(() => heard.push('lost'))
  const transport = await opening
  await transport[Symbol.asyncDispose]()
  await line.write('A0C2BBCA\r')
  await line.unplug()
  await delay(600)
  expect(heard).toEqual([])
})

/** A request of 1024 bytes, none of which is like its neighbour. */
const longest = Uint8Array.from({ length: 1_024 }, (_, index) => (index * 7) % 256)

/** What comes out at the device's end of the line. */
function listenTo(line: PseudoTerminal): { heard: () => string } & Disposable {
  const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK
  const stream = new ReadStream(openSync(line.farPath, flags))
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', () => undefined)
  return { heard: () => Buffer.concat(chunks).toString('hex'), [Symbol.dispose]: () => stream.destroy() }
}

test('what is written arrives whole and in order, while bytes come in', async () => {
  await using line = await PseudoTerminal.create()
  using device = listenTo(line)
  const heard: Uint8Array[] = []
  await using transport = await openLine({ path: line.path, ...settings }, (chunk) => heard.push(chunk))
    .opening
  for (let round = 0; round < 3; round += 1) {
    await Promise.all([transport.write(longest), line.write('A0C2BBCA\r')])
  }
  await expect.poll(device.heard).toBe(Buffer.from(longest).toString('hex').repeat(3))
  await expect.poll(() => Buffer.concat(heard).toString()).toBe('A0C2BBCA\r'.repeat(3))
})

test('a device that takes nothing any more is deaf after a second, and its line can be closed at once', async () => {
  await using line = await PseudoTerminal.create()
  const transport = await openLine({ path: line.path, ...settings }, () => undefined).opening
  line.stall()
  const fill = async (): Promise<void> => {
    for (;;) await transport.write(longest)
  }
  const startedMs = performance.now()
  await expect(fill()).rejects.toMatchObject({ code: 'reader-deaf' })
  expect(performance.now() - startedMs).toBeLessThan(3_000)
  const closingMs = performance.now()
  await transport[Symbol.asyncDispose]()
  expect(performance.now() - closingMs).toBeLessThan(1_000)
})

test('what the device has not taken when the session ends never reaches it', async () => {
  await using line = await PseudoTerminal.create()
  using device = listenTo(line)
  const transport = await openLine({ path: line.path, ...settings }, () => undefined).opening
  line.stall()
  let requests = 0
  const fill = async (): Promise<void> => {
    for (;;) {
      await transport.write(longest)
      requests += 1
    }
  }
  await expect(fill()).rejects.toMatchObject({ code: 'reader-deaf' })
  await transport[Symbol.asyncDispose]()
  line.flow()
  // Opening the line anew would throw away as well what closing it left.
  await delay(300)
  expect(requests).toBeGreaterThan(8)
  // The first 4 KiB are at the device's end of the line, as in a UART; the rest was still at ours.
  expect(device.heard().length / 2).toBeLessThan(5 * 1_024)

  await using next = await openLine({ path: line.path, ...settings }, () => undefined).opening
  await next.write(Buffer.from('new'))
  await expect.poll(() => Buffer.from(device.heard().slice(-6), 'hex').toString()).toBe('new')
})

test('an unplug ends a request that is on its way', async () => {
  await using line = await PseudoTerminal.create()
  const { lost, opening } = openLine({ path: line.path, ...settings }, () => undefined)
  const transport = await opening
  line.stall()
  const filling = (async () => {
    for (;;) await transport.write(longest)
  })()
  const failed = expect(filling).rejects.toMatchObject({ code: 'reader-unplugged' })
  await delay(200)
  await line.unplug()
  await failed
  expect(await lost).toMatchObject({ code: 'reader-unplugged' })
  await expect(transport.write(longest)).rejects.toMatchObject({ code: 'reader-unplugged' })
})

test('requests that are too long, or two at a time, are refused', async () => {
  await using line = await PseudoTerminal.create()
  using device = listenTo(line)
  await using transport = await openLine({ path: line.path, ...settings }, () => undefined).opening
  await expect(transport.write(new Uint8Array(1_025))).rejects.toThrow(RangeError)
  const first = transport.write(Buffer.from('1'))
  await expect(transport.write(Buffer.from('2'))).rejects.toThrow('on its way')
  await first
  await transport.write(Buffer.from('3'))
  await expect.poll(device.heard).toBe('3133')
})
