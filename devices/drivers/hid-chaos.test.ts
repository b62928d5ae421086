import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { readerChaos, type ChaosBench } from '../reader-chaos.testing.ts'
import { readerContext } from '../session.testing.ts'
import { FakeHid, typed, type FakeHidDevice, type FakeHidModel } from '../transports/hid.testing.ts'
import { hidKeyboardOn } from './hid-keyboard.ts'
import { pcproxOn } from './pcprox.ts'
import { PlayedPcprox } from './played-pcprox.testing.ts'

const uids = { first: 'A0C2BBCA', second: '04A224F1' }

type Place = Pick<ChaosBench, 'spec'> & {
  model: FakeHidModel
  /** What the device does while `plugged` is it. */
  play: (plugged: () => FakeHidDevice) => Pick<ChaosBench, 'tap' | 'half' | 'noise'>
}

/** Devices of one model at one machine: every plug is at another port, every replug is another node. */
function ports(machine: FakeHid, placeOf: (port: string) => Place): () => Promise<ChaosBench> {
  let plugs = 0
  return async () => {
    plugs += 1
    const { spec, model, play } = placeOf(`usb-0000:00:14.0-${String(plugs)}`)
    let node = plugs * 10
    let plugged = await machine.plug(model, node)
    return {
      spec,
      ...play(() => plugged),
      unplug: () => plugged.unplug(),
      async replug() {
        node += 1
        plugged = await machine.plug(model, node)
      },
      // Only who locks can keep it to himself: another agent.
      lock: () => spec.driver.open(spec.options, readerContext()),
      [Symbol.asyncDispose]: () => plugged.unplug('silently'),
    }
  }
}

function keyboardAt(machine: FakeHid, port: string): Place {
  const driver = hidKeyboardOn(machine.bus)
  const path = `ffff:0035@${port}`
  const options = driver.options.parse({ path, uidBytes: '4' })
  return {
    spec: { id: `hid-keyboard:${path}`, driver, options },
    model: { id: 'FFFF:0035', port },
    play: (plugged) => {
      const send = (...reports: Uint8Array[]): Promise<void> => {
        plugged().send(...reports)
        return Promise.resolve()
      }
      return {
        tap: (card) => send(...typed(`${uids[card]}\n`)),
        half: () => send(...typed(uids.first.slice(0, 4))),
        async noise(bytes) {
          // Every other report is cut short; a hundred at once, many times as fast as USB can.
          for (let at = 0; at < bytes.length; at += 15) {
            plugged().send(bytes.subarray(at, at + 8), bytes.subarray(at + 8, at + 15))
            if (at % 750 === 0) await setImmediate()
          }
          // The line that has begun is not the card's.
          plugged().send(...typed('\n'))
        },
      }
    },
  }
}

function pcproxAt(machine: FakeHid, port: string): Place {
  const driver = pcproxOn(machine.bus)
  const path = `0c27:3bfa@${port}`
  const played = new PlayedPcprox()
  return {
    spec: { id: `pcprox:${path}`, driver, options: driver.options.parse({ path, pollMs: '20' }) },
    model: played.model({ port }),
    play: () => {
      const visit = async (uid: string): Promise<void> => {
        played.visitors.push(uid)
        await expect.poll(() => played.visitors, { timeout: 5_000, interval: 5 }).toEqual([])
      }
      return {
        tap: (card) => visit(uids[card]),
        async half() {
          played.breaksOff = true
          await visit(uids.first)
          played.breaksOff = false
        },
        noise: () => Promise.reject(new Error('it says nothing unless it is asked')),
      }
    },
  }
}

const noise = 'an hour of noise at full speed is no card, and the reader reads the next one'

describe.each([
  ['hid-keyboard', keyboardAt, readerChaos],
  // Who is only asked makes no noise by itself.
  ['pcprox', pcproxAt, readerChaos.filter(({ name }) => name !== noise)],
] as const)('%s in a lobby', (name, placeAt, cases) => {
  test.each(cases)('$name', async ({ run }) => {
    await using machine = await FakeHid.create()
    await run({ name, uids, plug: ports(machine, (port) => placeAt(machine, port)) })
  })
})

test('the one case that a pcProx cannot play is left out, and no other', () => {
  expect(readerChaos.filter(({ name }) => name === noise)).toHaveLength(1)
})
