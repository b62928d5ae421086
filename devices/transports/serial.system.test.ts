import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
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
