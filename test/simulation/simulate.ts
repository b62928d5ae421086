import { happen, mend, restart } from './chaos.ts'
import { checkReceipts } from './invariants.ts'
import type { Kiosk } from './kiosk.ts'
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

const hourMs = 60 * 60 * 1000
/** Once nothing goes wrong any more, everything is delivered within this. */
const drainWithinMs = 2 * hourMs
/** Whoever waits behind several that always fail gets by within this. */
const scoutWithinMs = 8 * hourMs

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
      await drain(world, drainWithinMs, (kiosk) => behindCursed(world, kiosk))
      await drain(world, scoutWithinMs)
      world.network.cursed.clear()
      await drain(world, drainWithinMs)
      checkReceipts(world.kiosks)
      await world.verify()
      return run()
    } catch (error) {
      if (!(error instanceof Broken)) throw error
      return { ...run(), broken: { invariant: error.invariant, message: error.message } }
    }
  })
}

/** Lets time pass until no registration waits but those that are cursed, and those that may. */
async function drain(
  world: World,
  withinMs: number,
  mayWait: (kiosk: Kiosk) => ReadonlySet<string> = () => new Set(),
): Promise<void> {
  const deadlineMs = world.timeline.nowMs + withinMs
  for (;;) {
    await world.check()
    const left = world.kiosks.flatMap((kiosk) => {
      const exempt = mayWait(kiosk)
      const waiting = kiosk.rows().filter(({ id, state, idempotencyKey }) => {
        return state === 'pending' && !world.network.cursed.has(idempotencyKey) && !exempt.has(id)
      })
      return waiting.map(({ id }) => kiosk.ledger.labelOf(id))
    })
    if (left.length === 0) return
    if (world.timeline.nextMs > deadlineMs) {
      const hours = String(withinMs / hourMs)
      throw new Broken('stuck', `after ${hours} hours without a fault ${left.join(', ')} still wait`)
    }
    world.timeline.advance()
  }
}

/** Later rows of the client or the card of a cursed one, and those that wait for these. */
function behindCursed({ network }: World, kiosk: Kiosk): Set<string> {
  const behind = new Set<string>()
  const groups = new Set<string>()
  for (const { id, state } of kiosk.rows()) {
    const row = kiosk.ledger.find(id)
    if (row === undefined || state !== 'pending') continue
    const { system, subject, card } = row.registration
    const own = [`${system} ${subject}`, ...(card === '' ? [] : [`card ${card}`])]
    if (!network.cursed.has(row.key) && !own.some((group) => groups.has(group))) continue
    behind.add(id)
    for (const group of own) groups.add(group)
  }
  return behind
}
