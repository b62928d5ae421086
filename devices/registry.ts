import type { ReaderDriver } from './reader.ts'

/** The only list of drivers. Each is loaded when first asked for: native parts stay out of agents that need none. */
const drivers = {
  '7941w': async () => (await import('./drivers/module-7941w.ts')).module7941w,
  pcsc: async () => (await import('./drivers/pcsc.ts')).pcsc,
  pn532: async () => (await import('./drivers/pn532.ts')).pn532,
  'serial-framed': async () => (await import('./drivers/serial-framed.ts')).serialFramed,
  'serial-line': async () => (await import('./drivers/serial-line.ts')).serialLine,
  simulated: async () => (await import('./drivers/simulated.ts')).simulated,
  twn4: async () => (await import('./drivers/twn4.ts')).twn4,
  'hid-keyboard': async () => (await import('./drivers/hid-keyboard.ts')).hidKeyboard,
  pcprox: async () => (await import('./drivers/pcprox.ts')).pcprox,
} satisfies Record<string, () => Promise<ReaderDriver>>

export type DriverName = keyof typeof drivers

export const driverNames = Object.keys(drivers) as DriverName[]

export function isDriverName(name: string): name is DriverName {
  return Object.hasOwn(drivers, name)
}

export async function loadDriver(name: DriverName): Promise<ReaderDriver> {
  return drivers[name]()
}
