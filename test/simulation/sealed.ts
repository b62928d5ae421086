import { AsyncLocalStorage } from 'node:async_hooks'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { randomBytes } from '../../agent/outbox/id.ts'
import type { Random } from './random.ts'

const drawing = new AsyncLocalStorage<Random>()

/**
 * Runs `work` so that whatever it and all it calls draw at random (Math.random, node:crypto) comes from `random`. The
 * product asks the system for it in many places; here that is one seam. Nothing outside of `work` notices.
 */
export function drawFrom<T>(random: Random, work: () => Promise<T>): Promise<T> {
  install()
  return drawing.run(random, () => {
    // The outbox keeps a stock of random bytes; what is left of it is from another life.
    randomBytes(stockBytes)
    return work()
  })
}

const real = {
  random: Math.random,
  bytes: crypto.randomBytes,
  fill: crypto.randomFillSync,
  int: crypto.randomInt,
  uuid: crypto.randomUUID,
}
let isInstalled = false
const stockBytes = 4096
/** Ballast: nothing depends on what is in it. */
const bulkyBytes = 64 * 1024

function install(): void {
  if (isInstalled) return
  isInstalled = true
  const bytes = (random: Random, size: number): Buffer => {
    const drawn = Buffer.alloc(size)
    random.fill(drawn)
    return drawn
  }
  const seeded = {
    random: () => drawing.getStore()?.fraction() ?? real.random(),
    randomBytes(size: number, ...rest: []) {
      const random = drawing.getStore()
      return random === undefined || size >= bulkyBytes ? real.bytes(size, ...rest) : bytes(random, size)
    },
    randomFillSync(buffer: Uint8Array, ...rest: []) {
      const random = drawing.getStore()
      if (random === undefined) return real.fill(buffer, ...rest)
      random.fill(buffer)
      return buffer
    },
    randomInt(...limits: [number] | [number, number]) {
      const random = drawing.getStore()
      if (random === undefined) return limits.length === 1 ? real.int(...limits) : real.int(...limits)
      const [least, limit] = limits.length === 1 ? [0, limits[0]] : limits
      return random.between(least, limit - 1)
    },
    randomUUID(...rest: []) {
      const random = drawing.getStore()
      if (random === undefined) return real.uuid(...rest)
      const hex = bytes(random, 16).toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
    },
  }
  const { random, ...ofCrypto } = seeded
  Math.random = random
  Object.assign(crypto, ofCrypto)
  syncBuiltinESMExports()
}
