import { pino } from 'pino'
import { systemClock } from '../shared/clock.ts'
import { SimulatedDevices } from './drivers/simulated-devices.ts'
import type { Reader, ReaderContext, ReaderEvent, Tap } from './reader.ts'
import type { ReaderSpec } from './spec.ts'
import { superviseReader } from './supervisor.ts'

/** What a driver is given when it opens a reader, with nobody who listens. */
export function readerContext(given: Partial<ReaderContext> = {}): ReaderContext {
  const { clock = systemClock } = given
  return {
    clock,
    log: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    trace: () => undefined,
    simulatedDevices: new SimulatedDevices(clock),
    ...given,
  }
}

/** A frame by its payload, anything else by its name. */
export function shortEvent(event: ReaderEvent): string {
  switch (event.type) {
    case 'frame':
      return event.payload
    case 'removed':
    case 'missed':
      return event.type
    case 'rejected':
      return `!${event.code}`
    case 'fault':
      return `fault ${event.fault?.code ?? 'over'}`
  }
}

/** What a session says from now on, and what it threw at its end: undefined where it just ended. */
export function listen(reader: Pick<Reader, 'events'>) {
  const events: ReaderEvent[] = []
  const texts: string[] = []
  const ended = (async () => {
    try {
      for await (const event of reader.events()) {
        events.push(event)
        texts.push(shortEvent(event))
      }
      return undefined
    } catch (error) {
      return error
    }
  })()
  return { events, texts, ended }
}

/** A supervised reader as the agent runs it. */
export function superviseAlone(spec: ReaderSpec, context: ReaderContext = readerContext()) {
  const taps: Tap[] = []
  /** Code of each fault, as it came. */
  const faults: string[] = []
  const stop = new AbortController()
  const supervisor = superviseReader({
    ...context,
    spec,
    onTap: (tap) => {
      taps.push(tap)
    },
  })
  supervisor.onEvent((event) => {
    if (event.type === 'state' && event.fault !== null) faults.push(event.fault.code)
  })
  const running = supervisor.run(stop.signal)
  return {
    supervisor,
    taps,
    faults,
    uids: () => taps.map(({ uid }) => uid),
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
    },
  }
}
