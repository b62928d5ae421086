import { AppError } from '../../shared/errors.ts'
import type { HidInterface } from './hid-sysfs.ts'

/**
 * Which device a spec names. The numbers of make and model are always said: nobody's own keyboard is read because it
 * was plugged in where a reader used to be. The number of a node is never said: it is the next device's tomorrow.
 */
export interface HidAddress {
  /** Four lower-case hex digits. */
  vendorId: string
  productId: string
  serial?: string
  /** USB port, as HidInterface has it. */
  port?: string
}

/** What an interface has to have for a reader to be read through it. */
export type HidNeed = 'keyboard' | 'feature'

export const hidAddressRule =
  'must be <vendor>:<product>, <vendor>:<product>:<serial number> or <vendor>:<product>@<USB port>, vendor and product as four hex digits'

/** Reads the path of a spec; undefined when it follows none of the three forms. */
export function parseHidAddress(path: string): HidAddress | undefined {
  const [, vendorId, productId, serial, port] =
    /^([0-9a-f]{4}):([0-9a-f]{4})(?::(.+)|@(.+))?$/i.exec(path) ?? []
  if (vendorId === undefined || productId === undefined) return undefined
  return {
    vendorId: vendorId.toLowerCase(),
    productId: productId.toLowerCase(),
    ...(serial !== undefined && { serial }),
    ...(port !== undefined && { port }),
  }
}

/**
 * The one interface that is meant. Throws `reader-not-found` when there is none, or when several devices fit:
 * which of two desks a card was tapped at is not to be left to chance. Throws `reader-protocol` when the device has
 * no such interface.
 */
export function findHid(plugged: HidInterface[], address: HidAddress, need: HidNeed): HidInterface {
  const text = formatHidAddress(address)
  const fitting = plugged.filter((device) => fits(device, address))
  const devices = new Set(fitting.map(deviceKey))
  if (devices.size === 0) throw new AppError('reader-not-found', `no HID device ${text} is plugged in`)
  if (devices.size > 1) {
    const names = fitting.map((device) => stableAddress(device, plugged)).map(formatHidAddress)
    const choices = [...new Set(names)].join(', ')
    throw new AppError('reader-not-found', `${text} fits several devices: name one of ${choices}`)
  }
  const [interfaceOf] = fitting.filter((device) => has(device, need)).sort((a, b) => a.index - b.index)
  if (interfaceOf !== undefined) return interfaceOf
  const what = need === 'keyboard' ? 'is no keyboard' : 'takes no feature reports'
  throw new AppError('reader-protocol', `the HID device ${text} ${what}`)
}

/** The address that leads to this device alone, tomorrow too: by serial number where it has one of its own. */
export function stableAddress(device: HidInterface, plugged: HidInterface[]): HidAddress {
  const { vendorId, productId, serial, port } = device
  const isOwn = !plugged.some(
    (other) => fits(other, { vendorId, productId, serial }) && deviceKey(other) !== deviceKey(device),
  )
  if (serial !== '' && isOwn) return { vendorId, productId, serial }
  return port === '' ? { vendorId, productId } : { vendorId, productId, port }
}

export function formatHidAddress({ vendorId, productId, serial, port }: HidAddress): string {
  const model = `${vendorId}:${productId}`
  if (serial !== undefined) return `${model}:${serial}`
  return port === undefined ? model : `${model}@${port}`
}

export function has({ reports }: HidInterface, need: HidNeed): boolean {
  return (need === 'keyboard' ? reports.keyboardIds : reports.featureIds).length > 0
}

function fits(device: HidInterface, { vendorId, productId, serial, port }: HidAddress): boolean {
  return (
    device.vendorId === vendorId &&
    device.productId === productId &&
    (serial === undefined || device.serial === serial) &&
    (port === undefined || device.port === port)
  )
}

/** Interfaces of one device share it. */
function deviceKey({ port, folder }: HidInterface): string {
  return port === '' ? folder : port
}
