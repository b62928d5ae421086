import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KioskChannel } from '../../agent/kiosk/channel.ts'
import { Outbox } from '../../agent/outbox/outbox.ts'
import type { StoredRegistration } from '../../agent/outbox/registration.ts'
import { Batches } from '../../agent/sync/batches.ts'
import { remoteSystems, type RemoteSystems } from '../../agent/sync/systems/systems.ts'
import { Sync } from '../../agent/sync/sync.ts'
import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { copyFolder, crashable, Killed, type CrashPlan } from './crash-points.ts'
import { Broken, Ledger } from './ledger.ts'
import { Line, type Send } from './line.ts'
import type { MachineClock } from './machine-clock.ts'
import { OpenedRows } from './opened-rows.ts'
import { registryUser, type Wish } from './people.ts'
import type { Random } from './random.ts'
import { fillDisk, forgetHandle, freeDisk } from './sqlite-handles.ts'
import type { Timeline } from './timeline.ts'

/** Where a mutant of the agent's code may be put in. */
export interface KioskSeams {
  /** Before the outbox in that folder is opened. */
  opening?: (folder: string) => void
  outbox?: (real: Outbox, path: string) => Outbox
  systems?: (real: RemoteSystems) => RemoteSystems
  send?: (real: Send) => Send
  clock?: (real: MachineClock) => Clock
  log?: (real: Log) => Log
}

export interface KioskOptions {
  name: string
  folder: string
  timeline: Timeline
  clock: MachineClock
  log: Log
  random: Random
  send: Send
  seams: KioskSeams
  note: (line: string) => void
  broken: (error: unknown) => void
}

/** One life of the agent's process. */
interface Life {
  /** As it is, for those who look on. */
  outbox: Outbox
  opened: OpenedRows
  /** As the program knows it. */
  seen: Outbox
  sync: Sync
  line: Line
  channel: KioskChannel
  stop: AbortController
  cut: AbortController
  ended: Promise<void>
}

/** Calls of the outbox that write nothing, as long as nobody has meddled with them. */
const reads = new Set<string | symbol>([
  ...['next', 'nextBatch', 'behind', 'get', 'list', 'page', 'counts', 'watermark'],
])
/** So long whoever has tapped stands waiting: see sync.ts. */
const awaitedMs = 20_000
/** Shorter than those of tend.ts, as a world lasts hours. */
const keepBodiesMs = 2 * 60 * 1000
const keepTombstonesMs = 10 * 60 * 1000

/** A lobby machine: the agent's outbox and sync as they are, and what can happen to the machine they run on. */
export class Kiosk {
  readonly ledger: Ledger
  readonly name: string
  #life: Life | undefined
  #plan: CrashPlan | undefined
  #folder: string
  #folders = 0
  /** Where the files of a process that has just been killed were saved. */
  #grave: string | undefined
  #isDiskFull = false
  /** When its rows were looked at last, in milliseconds since the world began. */
  #lookedMs = 0
  readonly #awaitedUntil = new Map<string, number>()
  #rows: readonly StoredRegistration[] | undefined
  /** Its disk has given something else than it was given, once at least. */
  wasDamaged = false
  readonly #options: KioskOptions

  constructor(options: KioskOptions) {
    this.#options = options
    this.name = options.name
    this.ledger = new Ledger(options.name)
    this.#folder = this.#newFolder()
    mkdirSync(this.#folder)
    writeFileSync(this.#passwordFile, registryUser.password)
  }

  /** Its outbox has turned out damaged: the agent ends, and the next start salvages. */
  get isBroken(): boolean {
    return this.#life?.outbox.damaged.aborted === true
  }

  get isUp(): boolean {
    return this.#life !== undefined
  }

  get isDying(): boolean {
    return this.#grave !== undefined
  }

  /** Undefined while no agent runs. */
  get outbox(): Outbox | undefined {
    return this.#life?.outbox
  }

  get status(): string {
    return this.#life?.sync.status.state ?? 'down'
  }

  /** Everything it ever accepted and still holds: the very same list until something is written. */
  rows(): readonly StoredRegistration[] {
    if (this.#life === undefined) return []
    try {
      return (this.#rows ??= this.#life.opened.read())
    } catch (error) {
      if (!this.#isDamage(error)) throw error
      return []
    }
  }

  /** The whole outbox, read and proven. */
  async verify(): Promise<string[]> {
    return this.#life === undefined ? [] : (await this.#life.outbox.upkeep.verify()).problems
  }

  /** Throws `disk-full`. */
  start(): void {
    const { clock: ownClock, log, send, seams, timeline, name } = this.#options
    const clock = seams.clock?.(ownClock) ?? ownClock
    this.#lendBallast()
    seams.opening?.(this.#folder)
    const outbox = Outbox.open(this.#folder, clock)
    this.#keepBallast()
    if (this.#isDiskFull) fillDisk(this.#databasePath)
    const opened = new OpenedRows(outbox, this.#databasePath)
    this.#rows = opened.read()
    if (outbox.recovery !== undefined) {
      if (!this.wasDamaged) throw new Broken('lost', `${name} found damage where there was none`)
      this.#options.note(`${name} salvages ${String(outbox.recovery.salvaged)}`)
      this.ledger.salvaged(this.#rows, outbox.recovery.lost)
    }
    this.ledger.reopened(this.#rows)
    const seen = crashable(seams.outbox?.(outbox, this.#databasePath) ?? outbox, {
      folder: this.#folder,
      grave: () => (this.#grave = this.#newFolder()),
      plan: () => this.#plan,
      random: this.#options.random,
      touched: (method) => {
        // What turns out damaged is marked as lost even by a read.
        if (seams.outbox !== undefined || this.wasDamaged || !reads.has(method)) this.#rows = undefined
      },
    })
    const channel = new KioskChannel({
      ...{ folder: this.#folder, log, epoch: () => outbox.watermark() },
      onChange: () => undefined,
    })
    const line = new Line({ kiosk: this, timeline, send: seams.send?.(send) ?? send })
    const systems = remoteSystems({
      registry: { username: registryUser.username, passwordFile: this.#passwordFile },
    })
    const sync = new Sync({
      outbox: seen,
      client: line,
      serverUrl: Line.url,
      batches: new Batches(channel, clock),
      systems: seams.systems?.(systems) ?? systems,
      clock,
      log: seams.log?.(log) ?? log,
      onSettled: () => {
        line.progressed()
      },
      onState: () => undefined,
    })
    const stop = new AbortController()
    const cut = new AbortController()
    const ended = sync.run(stop.signal, cut.signal).catch((error: unknown) => {
      if (!(error instanceof Killed)) this.#options.broken(error)
    })
    this.#life = { outbox, opened, seen, sync, line, channel, stop, cut, ended }
    this.#options.note(`${name} up`)
  }

  /** Whether it was accepted; a machine that is off accepts nothing. */
  tap(wish: Wish, somebodyWaits: boolean): 'saved' | 'refused' | 'killed' {
    const life = this.#life
    if (life === undefined) return 'refused'
    try {
      const row = life.seen.append(wish.registration)
      this.ledger.accept(wish, row)
      if (somebodyWaits) {
        this.#awaitedUntil.set(row.id, this.#options.timeline.nowMs + awaitedMs)
        life.sync.expedite(row.id)
      }
      return 'saved'
    } catch (error) {
      if ((error instanceof AppError && error.code === 'disk-full') || this.#isDamage(error)) return 'refused'
      if (!(error instanceof Killed)) throw error
      this.ledger.nobodyWasTold(wish)
      return 'killed'
    }
  }

  /** Whether somebody stands waiting for it. */
  isAwaited(id: string): boolean {
    return (this.#awaitedUntil.get(id) ?? 0) > this.#options.timeline.nowMs
  }

  /** Becomes, or becomes again, a kiosk of the server's, or gets itself a new key, or is none any more. */
  async enlist(what: 'join' | 'rotate' | 'leave', code: string): Promise<void> {
    const life = this.#life
    if (life === undefined || (what === 'join') !== (life.channel.status === null)) return
    const { channel, line, sync, cut } = life
    try {
      if (what === 'rotate') await channel.rotate(line, cut.signal)
      else if (what === 'leave') await channel.leave()
      else {
        await channel.join(line, { serverUrl: Line.url, code, name: this.name }, cut.signal)
        sync.use(line, Line.url)
      }
      this.#options.note(`${this.name}: ${what} done`)
    } catch (error) {
      if (error instanceof AppError) this.#options.note(`${this.name}: ${what}: ${error.code}`)
      // What a dead process still does, it does in files that are gone.
      else if (!(error instanceof Killed) && this.#life === life) this.#options.broken(error)
    }
  }

  /** What somebody types at the machine; it may die of it, or have no room for it. */
  operate(work: (outbox: Outbox, sync: Sync) => void): void {
    if (this.#life === undefined) return
    try {
      work(this.#life.seen, this.#life.sync)
    } catch (error) {
      const isExpected = error instanceof Killed || (error instanceof AppError && error.code === 'disk-full')
      if (!isExpected && !this.#isDamage(error)) throw error
    }
  }

  /** As the agent does every minute, in pieces: see tend.ts. */
  tend(): void {
    this.ledger.mayForget(this.rows(), this.#options.timeline.nowMs - keepTombstonesMs)
    this.operate(({ upkeep, keys }) => {
      upkeep.forgetDelivered(keepBodiesMs)
      upkeep.forgetTombstones(keepTombstonesMs)
      keys.reseal()
      upkeep.giveBack()
      upkeep.layBallast()
      upkeep.keepTime()
    })
  }

  /** Notes what was settled, and when at the earliest, by the time that has passed: no wall has a say in what goes. */
  noteSettled(): void {
    if (!this.isUp) return
    this.ledger.noteSettled(this.rows(), this.#lookedMs)
    this.#lookedMs = this.#options.timeline.nowMs
  }

  /** Bytes of the outbox change while nobody looks; only of a machine that is off. */
  damage(): boolean {
    if (this.#life !== undefined || !existsSync(this.#databasePath)) return false
    const { random } = this.#options
    const bytes = readFileSync(this.#databasePath)
    for (let place = random.between(1, 3); place > 0; place--) {
      const at = random.below(bytes.length)
      random.fill(bytes.subarray(at, at + random.pick([1, 100, 5_000])))
    }
    writeFileSync(this.#databasePath, bytes)
    this.wasDamaged = true
    return true
  }

  planCrash(plan: CrashPlan): void {
    this.#plan = plan
  }

  /** SIGKILL now. */
  async kill(): Promise<void> {
    if (this.#life === undefined) return
    if (this.#grave === undefined) {
      const grave = this.#newFolder()
      copyFolder(this.#folder, grave)
      this.#grave = grave
    }
    await this.bury()
  }

  /** Ends what is left of a killed process: in files that nobody will read. */
  async bury(): Promise<void> {
    const grave = this.#grave
    if (grave === undefined) return
    this.#plan = undefined
    await this.stop()
    rmSync(this.#folder, { recursive: true })
    this.#folder = grave
    this.#grave = undefined
  }

  /** Ends the program in good order. */
  async stop(): Promise<void> {
    const life = this.#life
    this.#life = undefined
    if (life === undefined) return
    life.stop.abort()
    life.cut.abort()
    await life.ended
    life.outbox[Symbol.dispose]()
    forgetHandle(this.#databasePath)
  }

  setDiskFull(isFull: boolean): void {
    this.#isDiskFull = isFull
    if (this.#life !== undefined) (isFull ? fillDisk : freeDisk)(this.#databasePath)
  }

  /** Whether it is what damage does; then only the next start helps. */
  #isDamage(error: unknown): boolean {
    return this.wasDamaged && this.isBroken && error === this.#life?.outbox.damaged.reason
  }

  get #databasePath(): string {
    return join(this.#folder, 'outbox.db')
  }

  /** Eight MiB that nobody reads: every outbox of a playground has the same. */
  #lendBallast(): void {
    const ballast = `${this.#databasePath}-ballast`
    if (existsSync(this.#sharedBallast) && !existsSync(ballast)) linkSync(this.#sharedBallast, ballast)
  }

  #keepBallast(): void {
    const ballast = `${this.#databasePath}-ballast`
    if (existsSync(ballast) && !existsSync(this.#sharedBallast)) linkSync(ballast, this.#sharedBallast)
  }

  get #sharedBallast(): string {
    return join(this.#options.folder, '..', 'ballast')
  }

  get #passwordFile(): string {
    return join(this.#options.folder, `${this.name}-password`)
  }

  #newFolder(): string {
    return join(this.#options.folder, `${this.#options.name}-${String(this.#folders++)}`)
  }
}
