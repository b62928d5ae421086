import { AppError } from '../../shared/errors.ts'
import type { Weather } from './faults.ts'
import type { Kiosk } from './kiosk.ts'
import { corrected, wish } from './people.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** How often each thing happens. Time passing is one of them. */
const happenings = {
  time: 60,
  tap: 20,
  weather: 4,
  slowness: 2,
  'kiosk dies': 1,
  'kiosk will die': 2,
  'kiosk stops': 0.5,
  'server dies': 1.2,
  'kiosk clock': 2.5,
  'server clock': 0.7,
  'kiosk disk': 1,
  'server disk': 1,
  retry: 2,
  fix: 2,
  discard: 1,
  'try now': 1,
  tend: 2,
  'rotate data keys': 0.7,
  damage: 0.6,
  curse: 0.7,
  join: 3,
  rotate: 0.7,
  leave: 0.3,
}

/** One step: something happens somewhere. */
export async function happen(world: World, random: Random): Promise<void> {
  const { server, network, timeline } = world
  const kiosk = random.pick(world.kiosks)
  const what = random.weighted(happenings)
  switch (what) {
    case 'time':
      timeline.advance()
      return
    case 'tap':
      world.note(`${kiosk.name} tap: ${kiosk.tap(wish(random), random.chance(0.5))}`)
      return
    case 'weather':
      network.weather = random.weighted<Weather>({ clear: 4, rough: 4, awful: 2, cut: 1 })
      world.note(`weather ${network.weather}`)
      return
    case 'slowness':
      server.slowness = random.pick([0, 0, 0.1, 0.3])
      return
    case 'kiosk dies':
      if (!kiosk.isUp) return
      await kiosk.kill()
      world.note(`${kiosk.name} is killed`)
      return
    case 'kiosk will die':
      kiosk.planCrash({ calls: random.below(12), isTorn: random.chance(0.4) })
      return
    case 'kiosk stops':
      await kiosk.stop()
      world.note(`${kiosk.name} stops`)
      return
    case 'server dies':
      if (!server.isUp) return
      world.note('the server is killed')
      await server.kill()
      return
    case 'kiosk clock':
      random.pick(world.clocks).set(random.pick(['future', 'past', 'right']))
      return
    case 'server clock':
      world.serverClock.set(random.pick(['future', 'past', 'right']))
      return
    case 'kiosk disk':
    case 'server disk':
      fillDisk(world, what === 'kiosk disk' ? kiosk : server, random.between(1_000, 120_000))
      return
    case 'retry':
    case 'fix':
    case 'discard':
      operate(world, kiosk, what, random)
      return
    case 'try now':
      kiosk.operate((_outbox, sync) => {
        sync.tryNow()
      })
      world.note(`${kiosk.name} is told to try now`)
      return
    case 'tend':
      kiosk.tend()
      return
    case 'rotate data keys':
      kiosk.operate((outbox) => {
        outbox.keys.rotate()
      })
      world.note(`${kiosk.name}: new data key`)
      return
    case 'damage':
      await kiosk.kill()
      if (kiosk.damage()) world.note(`${kiosk.name} is killed, and its disk damaged`)
      return
    case 'join':
    case 'rotate':
    case 'leave':
      void kiosk.enlist(what, random.pick(server.joinCodes))
      return
    case 'curse': {
      const pending = kiosk.rows().filter(({ state }) => state === 'pending')
      if (pending.length > 0) network.cursed.add(random.pick(pending).idempotencyKey)
    }
  }
}

function fillDisk({ timeline }: World, machine: Pick<Kiosk, 'setDiskFull'>, ms: number): void {
  machine.setDiskFull(true)
  timeline.after(ms, () => {
    machine.setDiskFull(false)
  })
}

/** Somebody deals with a dead letter. */
function operate(world: World, kiosk: Kiosk, what: 'retry' | 'fix' | 'discard', random: Random): void {
  const { ledger } = kiosk
  const dead = kiosk.rows().filter(({ state }) => state === 'dead')
  if (dead.length === 0) return
  const { id, body } = random.pick(dead)
  const right = what === 'fix' ? corrected(body) : undefined
  if (what === 'fix' && right === undefined) return
  world.note(`${kiosk.name}: ${what} ${ledger.labelOf(id)}`)
  const all = random.chance(0.2)
  kiosk.operate((outbox, sync) => {
    if (right !== undefined) {
      ledger.correcting(id, right)
      outbox.letters.fix(id, right)
      ledger.corrected(id)
    } else if (what === 'discard') outbox.letters.discard(id, 'simulated')
    else if (all) outbox.letters.retryAll()
    else outbox.letters.retry(id)
    sync.tryNow()
  })
}

/** Whoever was down comes back, after a while. */
export async function restart(world: World, random: Random): Promise<void> {
  if (!world.server.isUp && random.chance(0.15)) {
    await world.server.start()
    world.note('server up')
  }
  for (const kiosk of world.kiosks) {
    if (!kiosk.isUp && random.chance(0.15)) start(kiosk, world)
  }
}

function start(kiosk: Kiosk, world: World): void {
  try {
    kiosk.start()
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'disk-full')) throw error
    world.note(`${kiosk.name} cannot start: its disk is full`)
  }
}

/** Everything that was wrong is mended, but the cursed rows. */
export async function mend(world: World): Promise<void> {
  world.note('everything is mended')
  world.network.weather = 'clear'
  world.server.slowness = 0
  world.server.setDiskFull(false)
  for (const kiosk of world.kiosks) {
    kiosk.setDiskFull(false)
    kiosk.planCrash({ calls: Number.POSITIVE_INFINITY, isTorn: false })
  }
  if (!world.server.isUp) await world.server.start()
  for (const kiosk of world.kiosks) if (!kiosk.isUp) kiosk.start()
}
