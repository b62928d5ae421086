import { readdir, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readReportDescriptor, type ReportDescriptor } from '../codecs/report-descriptor.ts'

/** Where the kernel shows its devices; other folders in tests. */
export interface HidPlaces {
  sysfs: string
  dev: string
}

export const machinePlaces: HidPlaces = { sysfs: '/sys', dev: '/dev' }

/** One interface of a HID device, as sysfs shows it. Several make up a composite device. */
export interface HidInterface {
  /** For example `/dev/hidraw3`: another device's after the next plug. */
  node: string
  /** What sysfs calls the device behind the node now; the kernel counts plugs in it, so no later device has it. */
  folder: string
  /** Four lower-case hex digits. */
  vendorId: string
  productId: string
  name: string
  /** Empty for none. Cheap readers have all the same one. */
  serial: string
  /** USB port, for example `usb-0000:00:14.0-2.3`: the controller, then a number for each hub. Empty if unknown. */
  port: string
  /** Place among the interfaces of its device. */
  index: number
  reports: ReportDescriptor
}

/** Every HID interface plugged in, by number of its node. Reads sysfs and opens no device. */
export async function listHid({ sysfs, dev }: HidPlaces): Promise<HidInterface[]> {
  const folder = join(sysfs, 'class/hidraw')
  const names = await readdir(folder).catch(() => [])
  const numbered = names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  // One that leaves while it is looked at is not there.
  const found = await Promise.all(
    numbered.map((name) => readInterface(join(folder, name), join(dev, name)).catch(() => undefined)),
  )
  return found.filter((device) => device !== undefined)
}

/** Is this the same plug of the same device still? */
export async function isPluggedIn({ sysfs }: HidPlaces, { node, folder }: HidInterface): Promise<boolean> {
  const now = await realpath(join(sysfs, 'class/hidraw', basename(node))).catch(() => undefined)
  return now === folder
}

async function readInterface(link: string, node: string): Promise<HidInterface> {
  const folder = await realpath(link)
  const about = new Map(
    (await readFile(join(folder, 'device/uevent'), 'utf8')).split('\n').map((line) => {
      const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
      return [key, value] as const
    }),
  )
  const [, vendorId = '', productId = ''] =
    /:[0-9A-F]{4}([0-9A-F]{4}):[0-9A-F]{4}([0-9A-F]{4})$/i.exec(about.get('HID_ID') ?? '') ?? []
  const [, port = '', index = '0'] = /^(.*?)(?:\/input(\d+))?$/.exec(about.get('HID_PHYS') ?? '') ?? []
  return {
    node,
    folder,
    vendorId: vendorId.toLowerCase(),
    productId: productId.toLowerCase(),
    name: about.get('HID_NAME') ?? '',
    serial: about.get('HID_UNIQ') ?? '',
    port,
    index: Number(index),
    reports: readReportDescriptor(await readFile(join(folder, 'device/report_descriptor'))),
  }
}

/**
 * Do keys of this interface reach the system's input layer, and with it console and screen? They do unless each
 * input device that the kernel made of it is inhibited (Linux 5.11). That libinput was told to ignore one does not
 * count: the text console takes its keys all the same. Undefined: it has left.
 */
export async function reachesInput({ folder }: HidInterface): Promise<boolean | undefined> {
  const device = dirname(dirname(folder))
  try {
    await realpath(folder)
    const inputs = await readdir(join(device, 'input')).catch(() => [])
    const inhibited = await Promise.all(
      inputs.map((input) => readFile(join(device, 'input', input, 'inhibited'), 'utf8').catch(() => '0')),
    )
    await realpath(folder)
    return inhibited.some((text) => text.trim() !== '1')
  } catch {
    return undefined
  }
}
