import assert from 'node:assert/strict'
import { mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { readerChaos, type ChaosBench } from '../reader-chaos.testing.ts'
import { readReaderSpec } from '../spec.ts'
import { takeElsewhere } from '../transports/taken-device.testing.ts'
import {
  Module7941wPersonality,
  Pn532Personality,
  PolledDevice,
  Twn4Personality,
  type Personality,
} from './polled-device.testing.ts'

const uids = { first: 'A0C2BBCA', second: '5CBBE5D5' }

/** A device behind a link, as udev puts one into /dev/serial/by-id. */
async function chaosBench(driver: string, personalityOf: () => Personality): Promise<ChaosBench> {
  const folder = await mkdtemp(join(tmpdir(), 'vlt-by-id-'))
  const link = join(folder, 'usb-reader')
  let device = await PolledDevice.create(personalityOf())
  let next: PolledDevice | undefined
  await symlink(device.line.path, link)
  return {
    spec: await readReaderSpec(`${driver}:${link}`),
    tap: (card) => device.visit(uids[card]),
    async half() {
      await device.visitHalf(uids.first)
      await delay(30)
    },
    noise: (bytes) => device.line.write(bytes),
    async unplug() {
      // The kernel has to give it another number than the one that is still taken.
      next = await PolledDevice.create(personalityOf())
      assert.notEqual(await realpath(next.line.path), await realpath(link))
      await rm(link)
      await device[Symbol.asyncDispose]()
    },
    async replug() {
      assert(next !== undefined, 'it is plugged in')
      device = next
      next = undefined
      await symlink(device.line.path, link)
    },
    lock: () => takeElsewhere(link),
    async [Symbol.asyncDispose]() {
      await next?.[Symbol.asyncDispose]()
      await device[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

const personalities = [
  ['pn532', () => new Pn532Personality()],
  ['twn4', () => new Twn4Personality()],
  ['7941w', () => new Module7941wPersonality()],
] as const

// Nobody can be asked anything through a line that noise fills to the brim; what fits in between is in the other tests.
const cases = readerChaos.filter(
  ({ name }) => name !== 'an hour of noise at full speed is no card, and the reader reads the next one',
)

test('the one case that does not fit is left out, and no other', () => {
  expect(cases).toHaveLength(readerChaos.length - 1)
})

describe.each(personalities)('%s in a lobby', (name, personalityOf) => {
  test.each(cases)('$name', async ({ run }) => {
    await run({ name, uids, plug: () => chaosBench(name, personalityOf) })
  })
})
