import { happen, mend, restart } from './chaos.ts'
import { checkReceipts } from './invariants.ts'
import { Broken } from './ledger.ts'
import { Random } from './random.ts'
import { drawFrom } from './sealed.ts'
import { World, type Seams } from './world.ts'

export interface Run {
  seed: number
  /** What was seen; without a word about a person. */
  trace: readonly string[]
  accepted: number
  /** Which invariant does not hold, and how. */
  broken?: { invariant: string; message: string }
}

export interface RunOptions {
  /** Folder for the files of one world at a time. */
  playground: string
  seed: number
  steps: number
  seams?: Seams
}

/** Once nothing goes wrong any more, everything is delivered within this; who waits for several bad ones takes longest. */
const drainWithinMs = 8 * 60 * 60 * 1000

/** One world, from its birth to the last delivery. The same seed lives the same life. */
export async function simulate({ playground, seed, steps, seams = {} }: RunOptions): Promise<Run> {
  const random = new Random(`seed ${String(seed)}`)
  return drawFrom(random.fork('product'), async () => {
    await using world = await World.open(playground, random, seams)
    const run = (): Pick<Run, 'seed' | 'trace' | 'accepted'> => {
      const accepted = world.kiosks.reduce((sum, { ledger }) => sum + ledger.size, 0)
      return { seed, trace: world.trace, accepted }
    }
    try {
      const chaos = random.fork('chaos')
      for (let step = 0; step < steps; step++) {
        await happen(world, chaos)
        await restart(world, chaos)
        await world.check()
      }
      await mend(world)
      await drain(world)
      world.network.cursed.clear()
      await drain(world)
      checkReceipts(world.kiosks)
      await world.verify()
      return run()
    } catch (error) {
      if (!(error instanceof Broken)) throw error
      return { ...run(), broken: { invariant: error.invariant, message: error.message } }
    }
  })
}

/** Lets time pass until no registration waits but those that are cursed. */
async function drain(world: World): Promise<void> {
  const deadlineMs = world.timeline.nowMs + drainWithinMs
  for (;;) {
    await world.check()
    const left = world.kiosks.flatMap((kiosk) => {
      const waiting = kiosk.rows().filter(({ state, idempotencyKey }) => {
        return state === 'pending' && !world.network.cursed.has(idempotencyKey)
      })
      return waiting.map(({ id }) => kiosk.ledger.labelOf(id))
    })
    if (left.length === 0) return
    if (world.timeline.nextMs > deadlineMs) {
      throw new Broken('stuck', `after eight hours without a fault ${left.join(', ')} still wait`)
    }
    world.timeline.advance()
  }
}
