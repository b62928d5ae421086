import { pino } from 'pino'
import { systemClock } from '../shared/clock.ts'
import { SimulatedDevices } from './drivers/simulated-devices.ts'
import type { ReaderContext, ReaderEvent } from './reader.ts'

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
