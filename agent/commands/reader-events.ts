import { SimulatedDevices } from '../../devices/drivers/simulated-devices.ts'
import { EventQueue } from '../../devices/event-queue.ts'
import { readReaderSpec } from '../../devices/spec.ts'
import type { ReaderFault, SupervisorEvent, Watching } from '../../devices/reader-status.ts'
import { superviseReader } from '../../devices/supervisor.ts'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { createLog } from '../../shared/log.ts'
import type { AgentConfig } from '../config.ts'
import type { AgentStatus } from '../status.ts'
import { callAgent } from './context.ts'

/** More than any person looks at; a caller that does not keep up with a reader is told so. */
const maxWaiting = 10_000

/**
 * What happens at the readers of the running agent, or with `spec` at that reader: of the agent where it has it,
 * else opened here. Ends when aborted; throws `agent-unreachable`, `reader-…`.
 */
export async function* readerEvents(
  config: AgentConfig,
  spec: string | undefined,
  watching: Watching,
  signal: AbortSignal,
): AsyncGenerator<SupervisorEvent, void, undefined> {
  const queue = new EventQueue<SupervisorEvent>(maxWaiting)
  const over = new AbortController()
  const end = (): void => {
    over.abort()
  }
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  let bug: Error | undefined
  const source = feed(config, spec, watching, queue, over.signal).then(
    () => {
      queue.end()
    },
    (error: unknown) => {
      if (error instanceof AppError && !over.signal.aborted) queue.fail(error)
      else queue.end()
      if (!(error instanceof AppError)) bug = new Error('the readers could not be watched', { cause: error })
    },
  )
  try {
    yield* queue.read()
  } finally {
    end()
    signal.removeEventListener('abort', end)
    await source
  }
  if (bug !== undefined) throw bug
}

async function feed(
  config: AgentConfig,
  spec: string | undefined,
  watching: Watching,
  queue: EventQueue<SupervisorEvent>,
  signal: AbortSignal,
): Promise<void> {
  const known = spec === undefined ? undefined : await readReaderSpec(spec)
  if (known !== undefined && !(await agentReaders(config)).includes(known.id)) {
    const reader = superviseReader({
      spec: known,
      clock: systemClock,
      log: createLog('vlt-agent', 'fatal'),
      simulatedDevices: new SimulatedDevices(systemClock),
      onTap: () => undefined,
    })
    reader.onEvent((event) => {
      queue.push(event)
    }, watching)
    await reader.run(signal)
    return
  }
  const onEvent = (event: unknown): void => {
    queue.push(event as SupervisorEvent)
  }
  const params = { ...watching, ...(known === undefined ? {} : { reader: known.id }) }
  try {
    await callAgent(config, 'reader.monitor', params, { onEvent, signal, timeoutMs: undefined })
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'agent-unreachable')) throw error
    const message = `${error.message}; without one, name the reader with --reader`
    throw new AppError('agent-unreachable', message, { cause: error })
  }
}

/** Where none runs there are none. */
async function agentReaders(config: AgentConfig): Promise<string[]> {
  try {
    const { readers } = (await callAgent(config, 'status', {})) as AgentStatus
    return readers.map(({ id }) => id)
  } catch (error) {
    if (error instanceof AppError && error.code === 'agent-unreachable') return []
    throw error
  }
}

/** Waits until a reader is ready; answers false when the events end before. Throws what `ReadyReaders` throws. */
export async function untilReady(
  events: AsyncGenerator<SupervisorEvent, void, undefined>,
  ready: ReadyReaders,
): Promise<boolean> {
  for (let next = await events.next(); next.done !== true; next = await events.next()) {
    ready.take(next.value)
    if (next.value.type === 'state' && next.value.state === 'ready') return true
  }
  return false
}

/** Throws the fault of the readers when there is none left that could read. */
export class ReadyReaders {
  readonly #faults = new Map<string, ReaderFault | null>()

  take(event: SupervisorEvent): void {
    if (event.type !== 'state') return
    this.#faults.set(event.readerId, event.state === 'absent' ? event.fault : null)
    const faults = [...this.#faults.values()]
    const [fault] = faults
    if (fault === undefined || fault === null || faults.includes(null)) return
    const why = fault.holder === undefined ? '' : ` (${fault.hint})`
    throw new AppError(fault.code, `${event.readerId} cannot be read${why}`)
  }
}

/** Ends a wait for a person who does nothing. */
export class Patience implements Disposable {
  readonly #over = new AbortController()
  #timer: NodeJS.Timeout | undefined

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** From now on there is so much time. */
  restart(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#over.abort()
    }, ms)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}

/** The value of --timeout in milliseconds. */
export function patienceMs(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 3600) {
    throw new AppError('usage', '--timeout must be a whole number of seconds from 1 to 3600')
  }
  return value * 1000
}

/** Why the events ended before what they were watched for had come. */
export function endedEarly(stop: AbortSignal, patience: Patience): AppError {
  if (stop.aborted) return new AppError('interrupted', 'interrupted')
  if (patience.signal.aborted) return new AppError('reader-no-tap', 'no card was read in time')
  return new AppError('agent-stopping', 'the agent stopped')
}
