import { readdir, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { DiscoveredDevice } from '../reader.ts'

/** Where the kernel and udev show serial ports; other folders in tests. */
export interface SerialPlaces {
  dev: string
  sysfs: string
}

/** What the USB device behind a port says of itself; empty texts where it says nothing. */
interface UsbFacts {
  vendorId: string
  productId: string
  name: string
  serial: string
  /** For example `1-1.2`: the bus, then a number for each hub. */
  port: string
}

/** Bridges whose maker puts nothing else behind them. The others tell nothing about the reader (readers.md 1i). */
const driversByUsbId: Record<string, string> = { '09d8:0420': 'twn4' }

/** Numbers that whole series share: they name no device. */
const sharedSerial = /^0*1?$/

/**
 * Serial ports, each once, by the name that is most likely still its own tomorrow: its make and serial number, else
 * the USB port it is plugged into, else its number. Reads folders only, and so works where udev is not: then there
 * are numbers alone. SerialPort.list() runs udevadm, fails where there is none, and lists no by-path names.
 */
export async function discoverSerial({ dev, sysfs }: SerialPlaces): Promise<DiscoveredDevice[]> {
  const byId = await linksIn(join(dev, 'serial/by-id'))
  const byPath = await linksIn(join(dev, 'serial/by-path'))
  const numbered = (await entries(dev)).filter((path) => /\/tty(USB|ACM)\d+$/.test(path))
  const resolved = await Promise.all(numbered.map((path) => realpath(path).catch(() => undefined)))
  const nodes = new Set([...byId.keys(), ...byPath.keys(), ...resolved.filter((path) => path !== undefined)])

  const ports = await Promise.all(
    [...nodes].sort().map(async (node) => ({ node, usb: await usbFacts(sysfs, basename(node)) })),
  )
  return ports.map(({ node, usb }) => {
    const isNumbered =
      usb === undefined || !(sharedSerial.test(usb.serial) || ports.some((other) => isClone(usb, other.usb)))
    const stable = isNumbered ? (byId.get(node) ?? byPath.get(node)) : (byPath.get(node) ?? byId.get(node))
    const driver = driversByUsbId[`${usb?.vendorId ?? ''}:${usb?.productId ?? ''}`] ?? 'serial-line'
    const description = describe(node, usb, isNumbered, stable !== undefined)
    return { spec: `${driver}:${stable ?? node}`, description }
  })
}

/** Another device that says the same of itself: udev has one link by make and number for both. */
function isClone(usb: UsbFacts, other: UsbFacts | undefined): boolean {
  const name = ({ vendorId, productId, serial }: UsbFacts): string => [vendorId, productId, serial].join(':')
  return other !== undefined && other.port !== usb.port && name(other) === name(usb)
}

function describe(node: string, usb: UsbFacts | undefined, isNumbered: boolean, isStable: boolean): string {
  const facts = ['serial port']
  if (usb !== undefined) {
    const { vendorId, productId, name, serial, port } = usb
    facts.push(
      ...(name === '' ? [] : [name]),
      `${vendorId}:${productId}`,
      isNumbered ? `serial number ${serial}` : 'no serial number of its own',
      `USB port ${port}`,
    )
  }
  facts.push(isStable ? `now ${node}` : 'after the next plug this name may be another device’s')
  return facts.join(', ')
}

async function usbFacts(sysfs: string, tty: string): Promise<UsbFacts | undefined> {
  const device = await realpath(join(sysfs, 'class/tty', tty, 'device')).catch(() => undefined)
  if (device === undefined) return undefined
  // The port is part of an interface, the interface of the USB device; a bridge of several ports has one more level.
  for (let folder = device; folder !== dirname(folder); folder = dirname(folder)) {
    const attribute = async (name: string): Promise<string> =>
      (await readFile(join(folder, name), 'utf8').catch(() => '')).trim()
    const vendorId = await attribute('idVendor')
    if (vendorId === '') continue
    const name = [await attribute('manufacturer'), await attribute('product')].filter((text) => text !== '')
    return {
      vendorId,
      productId: await attribute('idProduct'),
      name: name.join(' '),
      serial: await attribute('serial'),
      port: basename(folder),
    }
  }
  return undefined
}

/** Real device -> the link that leads to it. Links to devices that have left lead nowhere. */
async function linksIn(folder: string): Promise<Map<string, string>> {
  const links = new Map<string, string>()
  for (const link of await entries(folder)) {
    const device = await realpath(link).catch(() => undefined)
    if (device !== undefined && !links.has(device)) links.set(device, link)
  }
  return links
}

/** A folder that is not there has no entries: udev creates it with the first device. */
async function entries(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.sort().map((name) => join(folder, name))
}
