import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createLog, type Log } from '../../shared/log.ts'
import { checkOutbox, checkServer } from './invariants.ts'
import { Kiosk, type KioskSeams } from './kiosk.ts'
import { Broken } from './ledger.ts'
import { MachineClock } from './machine-clock.ts'
import { Network } from './network.ts'
import { personal } from './people.ts'
import type { Random } from './random.ts'
import { ServerMachine, type ServerSeams } from './server-machine.ts'
import { Timeline } from './timeline.ts'

export interface Seams {
  kiosk?: KioskSeams
  server?: ServerSeams
}

/** One server, a network and some kiosks, and everything that was seen to happen among them. */
export class World implements AsyncDisposable {
  readonly timeline = new Timeline()
  readonly server: ServerMachine
  readonly serverClock = new MachineClock(this.timeline)
  readonly clocks: MachineClock[] = []
  readonly kiosks: Kiosk[] = []
  readonly network: Network
  /** What happened, without a word about a person. */
  readonly trace: string[] = []
  readonly #folder: string
  #logged = ''
  #seen: unknown[] = []
  #broken: unknown

  private constructor(folder: string, random: Random, seams: Seams) {
    this.#folder = folder
    const { timeline, serverClock } = this
    const note = (line: string): void => {
      this.note(line)
    }
    const broken = (error: unknown): void => {
      this.#broken ??= error
    }
    const log = this.#captured()
    this.server = new ServerMachine({
      ...{ folder, timeline, clock: serverClock, log, random: random.fork('server') },
      ratePerMinute: random.pick([3, 20, 1_000_000]),
      seams: seams.server ?? {},
    })
    this.network = new Network({
      ...{ timeline, server: this.server, serverClock, random: random.fork('network'), note, broken },
    })
    for (let number = 1; number <= random.between(1, 2); number++) {
      const clock = new MachineClock(timeline)
      this.clocks.push(clock)
      this.kiosks.push(
        new Kiosk({
          ...{ name: `kiosk${String(number)}`, folder, timeline, clock, log, note, broken },
          random: random.fork(`kiosk ${String(number)}`),
          send: (request, what, signal) =>
            this.network.send(request, `127.0.0.${String(number)}`, what, signal),
          seams: seams.kiosk ?? {},
        }),
      )
    }
  }

  static async open(playground: string, random: Random, seams: Seams): Promise<World> {
    const folder = mkdtempSync(join(playground, 'world-'))
    const world = new World(folder, random, seams)
    await world.server.install()
    await world.server.start()
    for (const kiosk of world.kiosks) kiosk.start()
    return world
  }

  note(line: string): void {
    this.trace.push(`${(this.timeline.nowMs / 1000).toFixed(3).padStart(10)} ${line}`)
  }

  /** Lets everything come to rest, buries who died, and looks whether all is as it must be. */
  async check(): Promise<void> {
    await this.timeline.settle()
    for (const kiosk of this.kiosks) {
      if (!kiosk.isDying) continue
      this.note(`${kiosk.name} dies`)
      await kiosk.bury()
    }
    for (const kiosk of this.kiosks) {
      kiosk.noteSettled()
      if (kiosk.isBroken) await kiosk.stop()
    }
    if (this.#broken !== undefined) throw this.#broken as Error
    if (personal.test(this.#logged))
      throw new Broken('privacy', 'a log line names a person, a card or a secret')
    this.#logged = ''
    const { stored } = this.server
    const seen = [stored, ...this.kiosks.map((kiosk) => kiosk.rows())]
    // Most steps change nothing on any disk.
    if (seen.every((one, place) => one === this.#seen[place])) return
    this.#seen = seen
    for (const kiosk of this.kiosks) checkOutbox(kiosk)
    if (stored !== undefined) checkServer(stored, this.kiosks)
  }

  /** Every chain, seal and count, from the first row on. */
  async verify(): Promise<void> {
    for (const kiosk of this.kiosks) {
      const [problem] = kiosk.wasDamaged ? [] : await kiosk.verify()
      if (problem !== undefined) throw new Broken('chain', `${kiosk.name}: ${problem}`)
    }
    const fault = await this.server.verify()
    if (fault !== undefined) throw new Broken('chain', `the audit trail of the server: ${fault}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const kiosk of this.kiosks) await kiosk.stop()
    await this.server.dispose()
    rmSync(this.#folder, { recursive: true })
  }

  #captured(): Log {
    return createLog('simulation', 'debug', {
      write: (line) => {
        this.#logged += line
      },
    })
  }
}
