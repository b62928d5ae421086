import { z } from 'zod'
import type { SimulatedDevices } from '../../devices/drivers/simulated-devices.ts'
import type { ReaderState, SupervisorEvent } from '../../devices/reader-status.ts'
import type { SupervisedReader } from '../../devices/supervisor.ts'
import { parseCardUid, type CardUid } from '../../shared/card-uid.ts'
import { AppError, type ErrorCode } from '../../shared/errors.ts'
import { untilAborted } from '../../shared/until-aborted.ts'
import { parseClient, toRegistration } from '../enrolment/client-data.ts'
import type { EnrolmentDesk } from '../enrolment/desk.ts'
import type { Complaint } from '../enrolment/forms/form.ts'
import { queuedForms } from '../enrolment/forms/queued.ts'
import { asOutcome, confirmWithinMs, describe, type Outcome, type Registrar } from '../enrolment/registrar.ts'
import { isMadeUp } from '../enrolment/typed-card.ts'
import type { Membership } from '../kiosk/membership.ts'
import { kioskOperations } from '../kiosk/operations.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { NewRegistration } from '../outbox/registration.ts'
import type { Sync } from '../sync/sync.ts'
import type { AgentStatus } from '../status.ts'
import { asObject, take } from './params.ts'
import { queueOperations } from './queue-operations.ts'
import type { CallContext, Handlers } from './server.ts'

/** What works with and without a running agent: the outbox and the way to the server. */
export interface Core {
  outbox: Outbox
  membership: Membership
  registrar: Registrar
  sync: Sync
  status: () => AgentStatus
  /** Are 125 kHz cards the only ones here? Of those none makes up its number, whatever it begins with. */
  readsOnlyLf: () => Promise<boolean>
}

/** What only a running agent has. */
export interface Lobby {
  desk: EnrolmentDesk
  readers: SupervisedReader[]
  simulatedDevices: SimulatedDevices
}

/** What an enrolment is until its tap. */
const waitingForTap = { state: 'waiting', registrationId: null, receipt: null, error: null } as const

const clientText = z.string()
const registering = z.object({
  system: z.enum(['digital-registry', 'user-accounts']),
  body: z.string(),
  waitMs: z.int().nonnegative(),
})

/** Said while an enrolment goes on waiting: why a tap was not taken. */
export interface Remark {
  remark: ErrorCode
}

/** Methods of the control socket that need no reader; the CLI calls them directly while no agent runs. */
export function coreOperations(core: Core) {
  const { outbox, registrar, sync } = core
  return {
    ...kioskOperations(core),
    ping: (): void => undefined,

    status: () => core.status(),

    /** Says `saved` as soon as it is, and answers with the server's word or after the time for it. */
    'enroll.card': async (params: unknown, { signal, emit }: CallContext): Promise<Outcome> => {
      const { client, card } = take(z.object({ client: clientText, card: z.string() }), params)
      const registration = registrar.accept(parseClient(client), await readCard(card, core), null)
      emit(asOutcome(registration))
      return awaitServer(core, registration.id, signal)
    },

    /** A part of a list: all of it is stored, but for what came from a list before; answers how many are new. */
    'enroll.list': async (params: unknown): Promise<{ added: number }> => {
      const { clients } = take(
        z.object({ clients: z.array(z.object({ client: clientText, card: z.string() })) }),
        params,
      )
      const registrations: NewRegistration[] = []
      for (const { client, card } of clients) {
        registrations.push(toRegistration(parseClient(client), await readCard(card, core), null))
      }
      const added = outbox.appendOnce(registrations)
      sync.wake()
      return { added }
    },

    /** As `enroll.card`, for a system without cards. `saved` with an error where that system takes nothing from us now. */
    register: async (params: unknown, { signal, emit }: CallContext): Promise<Outcome> => {
      const { system, body, waitMs } = take(registering, params)
      const checked = queuedForms[system].check(asObject(body))
      if ('complaints' in checked) {
        throw new AppError('input-invalid', 'the data is not complete or not correct', {
          fields: checked.complaints,
        })
      }
      // No order to keep among people, and nothing personal to keep it by.
      const row = registrar.append({ system, subject: '', card: '', body: checked.value, readerId: null })
      emit(asOutcome(row))
      const outcome = await awaitServer(core, row.id, signal, waitMs)
      const held = sync.status.held.find((one) => one.system === system)
      return outcome.state === 'saved' && held !== undefined
        ? { ...outcome, error: describe(held.reason) }
        : outcome
    },

    ...queueOperations({ outbox, sync, readCard: (text) => readCard(text, core) }),
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
      const onRemark = (remark: ErrorCode): void => {
        emit({ remark } satisfies Remark)
      }
      const enrolment = desk.start(parseClient(client), timeoutMs, { onRemark })
      if (!wait) return waitingForTap
      emit(waitingForTap)
      signal.addEventListener('abort', () => desk.cancel(enrolment.id), { once: true })
      const tapped = await enrolment.tapped
      if (!('seq' in tapped)) return tapped
      emit(asOutcome(tapped))
      return awaitServer(core, tapped.id, signal)
    },

    'enroll.cancel': (): { cancelled: number } => ({ cancelled: desk.cancel() }),

    /** What happens at the readers, or at one of them, until the caller hangs up; first of all how they are. */
    'reader.monitor': async (params: unknown, { signal, emit }: CallContext): Promise<void> => {
      const { reader: only, ...watching } = take(monitoring, params)
      const watched = readers.filter(({ status }) => only === undefined || status.id === only)
      if (watched.length === 0) {
        throw new AppError(
          'reader-not-found',
          `the agent has no reader${only === undefined ? '' : ` ${only}`}`,
        )
      }
      const states = watched.map(({ status: { id: readerId, state, fault } }) => ({ readerId, state, fault }))
      // Those that read come first: a caller that looks for one need not know how many follow.
      for (const { readerId, state, fault } of states.sort((a, b) => isReady(b) - isReady(a))) {
        emit({ type: 'state', readerId, state, fault } satisfies SupervisorEvent)
      }
      const stops = watched.map((reader) => reader.onEvent(emit, watching))
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

function isReady({ state }: { state: ReaderState }): number {
  return state === 'ready' ? 1 : 0
}

const monitoring = z.object({
  reader: z.string().optional(),
  bytes: z.boolean().default(false),
  frames: z.boolean().default(false),
  takesTaps: z.boolean().default(false),
})

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
  waitMs = confirmWithinMs,
): Promise<Outcome> {
  sync.expedite(registrationId)
  return registrar.outcome(registrationId, waitMs, signal)
}

async function readCard(text: string, { readsOnlyLf }: Core): Promise<CardUid> {
  const parsed = parseCardUid(text)
  if ('uid' in parsed) {
    if (!isMadeUp(parsed.uid, await readsOnlyLf())) return parsed.uid
    throw new AppError('card-random', 'the UID is one that phones make up')
  }
  const complaint: Complaint = {
    field: 'tarjeta',
    message: 'The tarjeta field format is invalid.',
    rule: 'card',
  }
  throw new AppError('input-invalid', 'the card is not the UID of a card', { fields: [complaint] })
}

function onlyPath(devices: SimulatedDevices): string {
  const [path, ...others] = devices.paths
  if (path === undefined) throw new AppError('reader-not-found', 'no simulated reader is open')
  if (others.length > 0)
    throw new AppError('usage', 'several simulated readers are open: name one with --path')
  return path
}
