import type { ReaderDriver } from './reader.ts'

/** The only list of drivers. Each is loaded when first asked for: native parts stay out of agents that need none. */
const drivers = {
  'serial-line': async () => (await import('./drivers/serial-line.ts')).serialLine,
  simulated: async () => (await import('./drivers/simulated.ts')).simulated,
} satisfies Record<string, () => Promise<ReaderDriver>>

export type DriverName = keyof typeof drivers

export const driverNames = Object.keys(drivers) as DriverName[]

export function isDriverName(name: string): name is DriverName {
  return Object.hasOwn(drivers, name)
}

export async function loadDriver(name: DriverName): Promise<ReaderDriver> {
  return drivers[name]()
}
