import { z } from 'zod'
import type { SimulatedDevices } from '../../devices/drivers/simulated-devices.ts'
import type { SupervisedReader } from '../../devices/supervisor.ts'
import { parseCardUid, type CardUid } from '../../shared/card-uid.ts'
import { AppError } from '../../shared/errors.ts'
import { untilAborted } from '../../shared/until-aborted.ts'
import { parseClient } from '../enrolment/client-data.ts'
import type { EnrolmentDesk } from '../enrolment/desk.ts'
import { confirmWithinMs, type Outcome, type Registrar } from '../enrolment/registrar.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { StoredRegistration } from '../outbox/registration.ts'
import type { Sync } from '../sync/sync.ts'
import type { AgentStatus } from '../status.ts'
import type { CallContext, Handlers } from './server.ts'

/** What works with and without a running agent: the outbox and the way to the server. */
export interface Core {
  outbox: Outbox
  registrar: Registrar
  sync: Sync
  status: () => AgentStatus
}

/** What only a running agent has. */
export interface Lobby {
  desk: EnrolmentDesk
  readers: SupervisedReader[]
  simulatedDevices: SimulatedDevices
}

/** A registration as `queue list --json` shows it. */
export type QueueEntry = Omit<
  StoredRegistration,
  'seq' | 'idempotencyKey' | 'body' | 'receipt' | 'failures'
> & {
  receipt: unknown
}

/** What an enrolment is until its tap. */
const waitingForTap = { state: 'waiting', registrationId: null, receipt: null, error: null } as const

const states = z.enum(['pending', 'delivered', 'dead', 'discarded'])
const clientText = z.string()
const id = z.string()

/** Methods of the control socket that need no reader; the CLI calls them directly while no agent runs. */
export function coreOperations(core: Core) {
  const { outbox, registrar, sync } = core
  return {
    status: () => core.status(),

    'enroll.card': async (params: unknown, { signal }: CallContext): Promise<Outcome> => {
      const { client, card } = take(z.object({ client: clientText, card: z.string() }), params)
      const registration = registrar.accept(parseClient(client), readCard(card), null)
      return awaitServer(core, registration.id, signal)
    },

    'queue.list': (params: unknown): QueueEntry[] => {
      const { state, limit } = take(z.object({ state: states.optional(), limit: z.int().positive() }), params)
      return outbox.list(limit, state).map(asEntry)
    },

    'queue.show': (params: unknown) => {
      const row = outbox.find(take(z.object({ id }), params).id)
      return { ...asEntry(row), idempotencyKey: row.idempotencyKey, body: asJson(row.body) }
    },

    'queue.retry': (params: unknown): { retried: number } => {
      const { id: one } = take(z.object({ id: id.optional() }), params)
      if (one !== undefined) outbox.retry(outbox.find(one).id)
      const retried = one === undefined ? outbox.retryAll() : 1
      sync.tryNow()
      return { retried }
    },

    'queue.discard': (params: unknown): void => {
      const { id: one, reason } = take(z.object({ id, reason: z.string().trim().min(1) }), params)
      outbox.discard(outbox.find(one).id, reason)
    },

    'queue.export': (): unknown[] =>
      outbox
        .all()
        .map((row) => ({ ...asEntry(row), idempotencyKey: row.idempotencyKey, body: asJson(row.body) })),

    'queue.verify': (): { problems: string[]; counts: AgentStatus['queue'] } => ({
      problems: outbox.verify(),
      counts: core.status().queue,
    }),
  } satisfies Handlers
}

/** The rest of the control socket's methods. */
export function lobbyOperations(core: Core, lobby: Lobby) {
  const { desk, readers, simulatedDevices } = lobby
  const startSchema = z.object({ client: clientText, timeoutMs: z.int().positive(), wait: z.boolean() })

  return {
    /** Answers at once, or with `wait` once the outcome is known; a caller that hangs up before cancels. */
    'enroll.start': async (
      params: unknown,
      { signal, emit }: CallContext,
    ): Promise<Outcome | typeof waitingForTap> => {
      const { client, timeoutMs, wait } = take(startSchema, params)
      const enrolment = desk.start(parseClient(client), timeoutMs)
      if (!wait) return waitingForTap
      emit(waitingForTap)
      signal.addEventListener('abort', () => desk.cancel(enrolment.id), { once: true })
      const tapped = await enrolment.tapped
      return 'seq' in tapped ? awaitServer(core, tapped.id, signal) : tapped
    },

    'enroll.cancel': (): { cancelled: number } => ({ cancelled: desk.cancel() }),

    'reader.monitor': async (_params: unknown, { signal, emit }: CallContext): Promise<void> => {
      const stops = readers.map((reader) => reader.onEvent(emit))
      for (const { status } of readers) {
        emit({ type: 'state', readerId: status.id, state: status.state, fault: status.fault })
      }
      await untilAborted(signal)
      for (const stop of stops) stop()
    },

    'reader.simulate': async (params: unknown): Promise<void> => {
      const { path: given, action } = take(simulation, params)
      const path = given ?? onlyPath(simulatedDevices)
      switch (action.kind) {
        case 'tap':
          simulatedDevices.tap(path, action.text)
          return
        case 'hold':
          await simulatedDevices.hold(path, action.text, action.forMs)
          return
        case 'raw':
          simulatedDevices.raw(path, action.text)
          return
        case 'unplug':
          simulatedDevices.unplug(path, action.forMs)
      }
    },
  } satisfies Handlers
}

const simulation = z.object({
  path: z.string().optional(),
  action: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('tap'), text: z.string() }),
    z.object({ kind: z.literal('hold'), text: z.string(), forMs: z.int().positive() }),
    z.object({ kind: z.literal('raw'), text: z.string() }),
    z.object({ kind: z.literal('unplug'), forMs: z.int().nonnegative() }),
  ]),
})
export type SimulatedAction = z.output<typeof simulation>['action']

async function awaitServer(
  { sync, registrar }: Core,
  registrationId: string,
  signal: AbortSignal,
): Promise<Outcome> {
  sync.expedite(registrationId)
  try {
    return await registrar.outcome(registrationId, confirmWithinMs, signal)
  } finally {
    sync.relax(registrationId)
  }
}

function take<T>(schema: z.ZodType<T>, params: unknown): T {
  const parsed = schema.safeParse(params)
  if (!parsed.success)
    throw new AppError('usage', 'the call does not fit its method', { cause: parsed.error })
  return parsed.data
}

function readCard(text: string): CardUid {
  const parsed = parseCardUid(text)
  if ('uid' in parsed) return parsed.uid
  throw new AppError('input-invalid', 'the card is not the UID of a card', {
    fields: [{ field: 'tarjeta', message: 'The tarjeta field format is invalid.' }],
  })
}

function onlyPath(devices: SimulatedDevices): string {
  const [path, ...others] = devices.paths
  if (path === undefined) throw new AppError('reader-not-found', 'no simulated reader is open')
  if (others.length > 0)
    throw new AppError('usage', 'several simulated readers are open: name one with --reader')
  return path
}

function asEntry(row: StoredRegistration): QueueEntry {
  const { id: rowId, system, state, createdAt, attempts, lastError, readerId, discardReason } = row
  return {
    id: rowId,
    system,
    state,
    createdAt,
    attempts,
    lastError,
    receipt: asJson(row.receipt),
    readerId,
    discardReason,
  }
}

/** Answers of the server are kept as they came, and a refusal need not be JSON. */
function asJson(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text)
  } catch {
    return text
  }
}
