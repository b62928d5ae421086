/** Benches for `reader-chaos.testing.ts`: readers that speak by themselves over a serial line. */
import assert from 'node:assert/strict'
import { constants } from 'node:fs'
import { mkdtemp, open, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Codec } from './codecs/codec.ts'
import { CodecSession } from './drivers/codec-session.ts'
import { ManualClock } from './manual-clock.testing.ts'
import type { Card } from './chaos.testing.ts'
import type { ChaosBench } from './reader-chaos.testing.ts'
import type { VirtualBench } from './virtual-chaos.testing.ts'
import type { ReaderDriver, ReaderOptions } from './reader.ts'
import { readReaderSpec } from './spec.ts'
import { MemoryTransport } from './transports/memory.ts'
import { takeElsewhere } from './transports/taken-device.testing.ts'
import { PseudoTerminal } from './transports/pseudo-terminal.testing.ts'

/** How a reader says which card lies there. */
export interface Speech {
  /** One frame. */
  wire: Record<Card, Uint8Array>
  /** When it is said again while the card lies there, in milliseconds; undefined: it is said once. */
  repeatMs: number | undefined
  /** How many frames make a card. */
  framesToTap: number
}

/** A pseudo-terminal behind a link, as udev puts one into /dev/serial/by-id. `specOf`: what `--reader` says of a path. */
export async function serialBench(
  { wire, framesToTap }: Speech,
  specOf: (path: string) => string,
): Promise<ChaosBench> {
  const folder = await mkdtemp(join(tmpdir(), 'vlt-by-id-'))
  const link = join(folder, 'usb-reader')
  let line = await PseudoTerminal.create()
  let next: PseudoTerminal | undefined
  await symlink(line.path, link)
  return {
    spec: await readReaderSpec(specOf(link)),
    async tap(card) {
      for (let count = 0; count < framesToTap; count += 1) await line.write(wire[card])
    },
    half: () => line.write(wire.first.subarray(0, wire.first.length / 2)),
    async noise(bytes) {
      // Waits where the line is full, as a device with a slow line does.
      await using file = await open(line.farPath, constants.O_WRONLY | constants.O_NOCTTY)
      await file.writeFile(bytes)
    },
    async unplug() {
      // The kernel has to give it another number than the one that is still taken.
      next = await PseudoTerminal.create()
      assert.notEqual(await realpath(next.path), await realpath(link))
      await rm(link)
      await line[Symbol.asyncDispose]()
    },
    async replug() {
      assert(next !== undefined, 'it is plugged in')
      line = next
      next = undefined
      await symlink(line.path, link)
    },
    lock: () => takeElsewhere(link),
    async [Symbol.asyncDispose]() {
      await next?.[Symbol.asyncDispose]()
      await line[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

/** The same reader without a port, in a time of its own. */
export function virtualSerialBench<Options extends ReaderOptions>(
  { wire, repeatMs = Infinity }: Speech,
  driver: ReaderDriver<Options>,
  options: Options,
  codecOf: (options: Options) => Codec,
): VirtualBench {
  const clock = new ManualClock()
  let line: MemoryTransport | undefined
  const open: ReaderDriver['open'] = (_, context) =>
    CodecSession.open(context, codecOf(options), { removal: 'inferred' }, (receiver) => {
      line = new MemoryTransport(receiver)
      return line
    })
  let card: Card | undefined
  let nextMs = Infinity
  return {
    clock,
    repeats: repeatMs !== Infinity,
    spec: { id: `${driver.name}:virtual`, driver: { ...driver, open }, options },
    show(shown) {
      card = shown
      nextMs = shown === undefined ? Infinity : clock.monoMs()
    },
    async pass(ms) {
      const untilMs = clock.monoMs() + ms
      // What was due during a stall comes before what waited on the line.
      await clock.pass(0)
      while (true) {
        for (; card !== undefined && nextMs <= clock.monoMs(); nextMs += repeatMs) line?.deliver(wire[card])
        if (clock.monoMs() >= untilMs) break
        await clock.pass(Math.min(untilMs, nextMs) - clock.monoMs())
      }
    },
    stall(ms) {
      clock.stall(ms)
    },
    noise(bytes) {
      line?.deliver(bytes)
    },
    misread: (which, timesTooFast) => misread(wire[which], timesTooFast),
  }
}

/** What a UART takes 8N1 bytes for whose baud rate is so many times too high for them. */
export function misread(bytes: Uint8Array, timesTooFast: number): Uint8Array {
  const sent = Array.from(bytes, (byte) => [
    0,
    ...Array.from({ length: 8 }, (_, bit) => (byte >> bit) & 1),
    1,
  ]).flat()
  const level = (bitTime: number): number => sent[Math.floor(bitTime)] ?? 1
  const stepBits = 1 / timesTooFast / 16
  const seen: number[] = []
  for (let at = 0; at < sent.length; at += stepBits) {
    if (level(at) === 1) continue
    const sample = (bit: number): number => level(at + (bit + 1.5) / timesTooFast)
    seen.push(Array.from({ length: 8 }, (_, bit) => sample(bit) << bit).reduce((sum, bit) => sum | bit))
    at += 9.5 / timesTooFast
    while (level(at) === 0) at += stepBits
  }
  return Uint8Array.from(seen)
}
