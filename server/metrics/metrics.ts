import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Engine } from '../database/schema.ts'
import type { KioskFigures } from '../kiosks/figures.ts'
import type { MailBacklog } from '../mail/upkeep.ts'
import type { Passwords } from '../security/passwords.ts'

export interface Answered {
  method: string
  /** The route's pattern, never the address; undefined where no route took the request. */
  route: string | undefined
  status: number
  durationMs: number
}

export interface Metrics {
  countAnswer(answered: Answered): void
  /** Counts registrations of a kiosk's batch by what became of them. */
  countRegistrations(counts: Record<string, number>): void
  /** Adds what the process itself uses: once per process. */
  watchProcess(): void
  /** All figures in Prometheus' text format. */
  read(): Promise<{ contentType: string; text: string }>
}

/** Where the figures come from that are read when somebody asks. */
export interface Watched {
  version: string
  engine: Engine
  passwords: Pick<Passwords, 'load'>
  databaseWorks: () => Promise<boolean>
  mailBacklog: () => Promise<MailBacklog>
  kiosks: () => Promise<KioskFigures>
}

// From an answer out of memory to one that waited for a queue of passwords.
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** The server's figures. No label holds anything a client sent. */
export function createMetrics({
  version,
  engine,
  passwords,
  databaseWorks,
  mailBacklog,
  kiosks,
}: Watched): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'vlt_http_requests_total',
    help: 'Requests answered, by route pattern.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'vlt_http_request_duration_seconds',
    help: 'Time from a request to its answer, by route pattern.',
    labelNames: ['method', 'route'],
    buckets: durationBuckets,
    registers,
  })
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const databaseUp = gauge('vlt_database_up', '1 while the database takes writes.')
  const hashing = gauge('vlt_passwords_running', 'Passwords being hashed.')
  const unhashed = gauge('vlt_passwords_waiting', 'Passwords waiting to be hashed.')
  const pending = gauge('vlt_mails_pending', 'Mails waiting to leave, of all instances.')
  const dead = gauge('vlt_mails_dead', 'Mails given up, which wait for a person.')
  const oldest = gauge('vlt_mails_oldest_pending_seconds', 'How long the oldest pending mail has waited.')
  const registrations = new Counter({
    name: 'vlt_kiosk_registrations_total',
    help: 'Registrations in batches of kiosks: taken, replayed (counted before), refused or failed.',
    labelNames: ['result'],
    registers,
  })
  const states = new Gauge({ name: 'vlt_kiosks', help: 'Kiosks by state.', labelNames: ['state'], registers })
  const silent = gauge('vlt_kiosks_silent', 'Active kiosks not heard of for fifteen minutes.')
  const backlog = gauge('vlt_kiosks_pending', 'Registrations that active kiosks said last they still hold.')
  new Gauge({
    name: 'vlt_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'engine'],
    registers,
  }).set({ version, engine }, 1)

  const look = async (): Promise<void> => {
    const works = await databaseWorks()
    databaseUp.set(Number(works))
    // Figures must come just when the database does not: what only it knows is no number then.
    const mails = works ? await mailBacklog().catch(() => undefined) : undefined
    pending.set(mails?.pending ?? NaN)
    dead.set(mails?.dead ?? NaN)
    oldest.set(mails?.oldestPendingSeconds ?? NaN)
    const fleet = works ? await kiosks().catch(() => undefined) : undefined
    states.reset()
    for (const [state, count] of Object.entries(fleet?.states ?? {})) states.set({ state }, count)
    silent.set(fleet?.silent ?? NaN)
    backlog.set(fleet?.pending ?? NaN)
    const { running, waiting } = passwords.load()
    hashing.set(running)
    unhashed.set(waiting)
  }

  return {
    countAnswer({ method, route = 'none', status, durationMs }) {
      requests.inc({ method, route, status })
      durations.observe({ method, route }, durationMs / 1000)
    },
    countRegistrations(counts) {
      for (const [result, count] of Object.entries(counts)) registrations.inc({ result }, count)
    },
    watchProcess() {
      collectDefaultMetrics({ register: registry })
    },
    async read() {
      await look()
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}
