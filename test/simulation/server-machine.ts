import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { createApp } from '../../server/app.ts'
import { verifyTrail } from '../../server/audit/verify.ts'
import { readSettings } from '../../server/config.ts'
import { openCore, type Core } from '../../server/core.ts'
import type { Database } from '../../server/database/database.ts'
import type { Transact } from '../../server/database/schema.ts'
import { createIdempotency, type Idempotency } from '../../server/idempotency/idempotency.ts'
import { createKioskDesk } from '../../server/kiosks/desk.ts'
import type { KioskFigures } from '../../server/kiosks/figures.ts'
import { createMetrics } from '../../server/metrics/metrics.ts'
import { memoryHits } from '../../server/rate-limit/memory-hits.ts'
import type { Passwords } from '../../server/security/passwords.ts'
import { createAccounts } from '../../server/systems/digital-registry/accounts/accounts.ts'
import { registryUser } from './people.ts'
import { Random } from './random.ts'
import { drawFrom } from './sealed.ts'
import { fillDisk, forgetHandle, freeDisk } from './sqlite-handles.ts'
import { StoredReader, type Stored } from './stored.ts'
import type { Timeline } from './timeline.ts'

export interface Request {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body?: string
}

export interface Answer {
  status: number
  headers: Record<string, string | undefined>
  body: string
}

/** Where a mutant of the server's code may be put in. */
export interface ServerSeams {
  transact?: (real: Transact) => Transact
  idempotency?: (real: Idempotency, database: Database) => Idempotency
}

export interface ServerOptions {
  folder: string
  timeline: Timeline
  clock: Clock
  log: Log
  random: Random
  ratePerMinute: number
  seams: ServerSeams
}

/** One life of the server's process. */
interface Life {
  core: Core
  app: FastifyInstance
  reader: StoredReader
  killed: PromiseWithResolvers<never>
}

/** The whole server but its socket, on a file of its own, and what can happen to the machine it runs on. */
export class ServerMachine {
  /** How often a transaction is held up, before, inside or after it. */
  slowness = 0
  /** Each takes one kiosk in. */
  readonly joinCodes: string[] = []
  readonly #options: ServerOptions
  #folder: string
  #lives = 0
  #life: Life | undefined
  #isDiskFull = false

  constructor(options: ServerOptions) {
    this.#options = options
    this.#folder = join(options.folder, 'server-0')
  }

  get isUp(): boolean {
    return this.#life !== undefined
  }

  /** What its file holds; undefined while no server runs, because then nothing changes. */
  get stored(): Stored | undefined {
    return this.#life?.reader.read()
  }

  /** Puts the machine where the first server is to start, with the one API user there is. */
  async install(): Promise<void> {
    mkdirSync(this.#folder)
    const from = await installedServer(this.#options.folder)
    copyFiles(from, this.#folder)
    this.joinCodes.push(...(JSON.parse(readFileSync(join(from, codesFile), 'utf8')) as string[]))
  }

  async start(): Promise<void> {
    const { clock, log, ratePerMinute, seams } = this.#options
    const settings = readSettings(
      {
        data: this.#folder,
        vltDestination: 'lobby',
        vltRateLimit: ratePerMinute,
        rateLimit: ratePerMinute,
        insecureLoopback: true,
        publicUrl: 'http://server.test',
        kioskRateLimit: ratePerMinute,
        kioskDrainLimit: ratePerMinute,
      },
      {},
    )
    const opened = await openCore(settings, clock, 'server', log)
    const killed = Promise.withResolvers<never>()
    killed.promise.catch(() => undefined)
    const transact = this.#heldUp(opened.database.transact, killed.promise)
    const database = { ...opened.database, transact: seams.transact?.(transact) ?? transact }
    const core = { ...opened, database, passwords: quickPasswords }
    const idempotency = createIdempotency(database, core.vault, clock)
    const databaseWorks = (): Promise<boolean> => Promise.resolve(true)
    const app = createApp({
      settings,
      core,
      idempotency: seams.idempotency?.(idempotency, database) ?? idempotency,
      hits: memoryHits(clock),
      databaseWorks,
      metrics: createMetrics({
        ...{ version: 'simulation', engine: 'sqlite', passwords: quickPasswords, databaseWorks },
        kiosks: () => Promise.resolve(noKiosks),
        mailBacklog: () => Promise.resolve({ pending: 0, dead: 0, oldestPendingSeconds: 0 }),
      }),
      stopping: new AbortController().signal,
      clock,
      log,
    })
    await app.ready()
    this.#life = { core, app, killed, reader: new StoredReader(this.#databasePath) }
    if (this.#isDiskFull) fillDisk(this.#databasePath)
  }

  /** What is wrong with the audit trail; undefined for nothing. */
  async verify(): Promise<string | undefined> {
    if (this.#life === undefined) return undefined
    const { database, vault, audit } = this.#life.core
    await audit.flush()
    const verdict = await verifyTrail(database, vault)
    return verdict.holds ? undefined : verdict.fault
  }

  /** Undefined where no process was there to answer, or none any more. */
  async answer(request: Request, from: string): Promise<Answer | undefined> {
    const life = this.#life
    if (life === undefined) return undefined
    const { timeline } = this.#options
    timeline.busy += 1
    try {
      const answer = await life.app.inject({
        method: request.method,
        url: request.path,
        headers: request.headers,
        remoteAddress: from,
        ...(request.body === undefined ? {} : { payload: request.body }),
      })
      if (this.#life !== life) return undefined
      const headers = Object.fromEntries(
        Object.entries(answer.headers).map(([name, value]) => [
          name,
          value === undefined ? value : String(value),
        ]),
      )
      return { status: answer.statusCode, headers, body: answer.body }
    } finally {
      timeline.busy -= 1
    }
  }

  /** SIGKILL: what is in the files is all that is left. */
  async kill(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    const folder = join(this.#options.folder, `server-${String(++this.#lives)}`)
    mkdirSync(folder)
    copyFiles(this.#folder, folder)
    this.#life = undefined
    life.killed.reject(new Error('killed'))
    await this.#bury(life)
    this.#folder = folder
  }

  async dispose(): Promise<void> {
    const life = this.#life
    this.#life = undefined
    if (life === undefined) return
    life.killed.reject(new Error('the world ends'))
    await this.#bury(life)
  }

  setDiskFull(isFull: boolean): void {
    this.#isDiskFull = isFull
    if (this.#life !== undefined) (isFull ? fillDisk : freeDisk)(this.#databasePath)
  }

  get #databasePath(): string {
    return join(this.#folder, 'server.db')
  }

  /** Whatever the dead process still had under way goes on in files that nobody will read. */
  async #bury({ core, app, reader }: Life): Promise<void> {
    await this.#options.timeline.settle()
    reader[Symbol.dispose]()
    await app.close()
    // A dead process writes nothing more: that its disk is full is nobody's concern.
    try {
      await core[Symbol.asyncDispose]()
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'disk-full')) throw error
    }
    forgetHandle(this.#databasePath)
    rmSync(this.#folder, { recursive: true })
  }

  #heldUp(real: Transact, killed: Promise<never>): Transact {
    return async (work) => {
      await this.#hold(killed)
      const value = await real(async (tx) => {
        const done = await work(tx)
        await this.#hold(killed, 'inside')
        return done
      })
      await this.#hold(killed)
      return value
    }
  }

  async #hold(killed: Promise<never>, where?: 'inside'): Promise<void> {
    const { random, timeline } = this.#options
    if (!random.chance(this.slowness)) return
    const inside = where === 'inside' ? 1 : 0
    const held = Promise.withResolvers<undefined>()
    const cancel = timeline.after(random.between(10, 15_000), () => {
      held.resolve(undefined)
    })
    timeline.busy -= 1
    timeline.held += inside
    try {
      await Promise.race([held.promise, killed])
    } finally {
      cancel()
      timeline.busy += 1
      timeline.held -= inside
    }
  }
}

const noKiosks: KioskFigures = {
  states: { pending: 0, active: 0, locked: 0, revoked: 0 },
  silent: 0,
  pending: 0,
}

/** Argon2 takes threads and 20 ms; nothing here depends on how dear a guess is. */
const quickPasswords: Passwords = {
  hash: (password) => Promise.resolve(`quick ${createHash('sha256').update(password).digest('hex')}`),
  verify: async (password, hash) => ({
    matches: hash === (await quickPasswords.hash(password)),
    outdated: false,
  }),
  load: () => ({ running: 0, waiting: 0 }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

/** Made once for all worlds of a playground: migrations and keys are not what is simulated. */
async function installedServer(world: string): Promise<string> {
  const folder = join(world, '..', 'installed')
  if (existsSync(folder)) return folder
  await drawFrom(new Random('installed'), async () => {
    const clock: Clock = {
      now: () => '2026-03-01T12:00:00.000Z',
      monoMs: () => 0,
      sleep: () => Promise.resolve(),
    }
    await using core = await openCore(
      { data: folder, databaseUrl: undefined, keys: undefined },
      clock,
      'server',
    )
    const accounts = createAccounts({ ...core, passwords: quickPasswords }, clock)
    const { id: entityId } = await accounts.addEntity('Entity')
    await accounts.addApiUser({ ...registryUser, entityId, api: true })
    const desk = createKioskDesk(core, clock)
    const codes: string[] = []
    while (codes.length < joinCodes) {
      const made = { name: undefined, kioskId: undefined, activates: true, livesMs: 10 ** 12 }
      codes.push((await desk.makeCode(made)).code)
    }
    writeFileSync(join(folder, codesFile), JSON.stringify(codes))
  })
  return folder
}

const joinCodes = 8
const codesFile = 'codes.json'
const serverFiles = ['server.db', 'server.db-wal', 'server.db-shm', 'keys.json']

function copyFiles(from: string, to: string): void {
  for (const name of serverFiles) {
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name))
  }
}
