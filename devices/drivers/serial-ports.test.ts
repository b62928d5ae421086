import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { serialLine } from './serial-line.ts'
import { discoverSerial, type SerialPlaces } from './serial-ports.ts'

/** Folders like /dev and /sys, to be filled. */
class Machine implements SerialPlaces, AsyncDisposable {
  readonly dev: string
  readonly sysfs: string
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
    this.dev = join(folder, 'dev')
    this.sysfs = join(folder, 'sys')
  }

  static async create(): Promise<Machine> {
    const machine = new Machine(await mkdtemp(join(tmpdir(), 'vlt-ports-')))
    await Promise.all([mkdir(join(machine.dev, 'serial/by-id'), { recursive: true }), mkdir(machine.sysfs)])
    await mkdir(join(machine.dev, 'serial/by-path'))
    return machine
  }

  async node(...names: string[]): Promise<void> {
    for (const name of names) await writeFile(join(this.dev, name), '')
  }

  async link(link: string, node: string): Promise<void> {
    await symlink(`../../${node}`, join(this.dev, 'serial', link))
  }

  /** As the kernel lays it out: bus, hub, device, interface, and for bridges the port. */
  async usb(node: string, port: string, attributes: Record<string, string>): Promise<void> {
    const device = join(this.sysfs, 'devices/pci0000:00/usb1/1-1', port)
    const below = join(device, `${port}:1.0`, ...(node.startsWith('ttyUSB') ? [node] : []))
    const entry = join(below, 'tty', node)
    await mkdir(entry, { recursive: true })
    await symlink(below, join(entry, 'device'))
    for (const [name, text] of Object.entries(attributes)) await writeFile(join(device, name), `${text}\n`)
    await writeFile(join(dirname(device), 'idVendor'), 'hub0\n')
    await mkdir(join(this.sysfs, 'class/tty'), { recursive: true })
    await symlink(entry, join(this.sysfs, 'class/tty', node))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true })
  }
}

const ch340 = { idVendor: '1a86', idProduct: '7523', product: 'USB Serial' }
const cp2102 = { idVendor: '10c4', idProduct: 'ea60', manufacturer: 'Silicon Labs', serial: '0001' }
const ftdi = {
  idVendor: '0403',
  idProduct: '6001',
  manufacturer: 'FTDI',
  product: 'FT232R',
  serial: 'A50285BI',
}

test('each serial device is found once, by the name that stays its own', async () => {
  await using machine = await Machine.create()
  const { dev } = machine
  await machine.node('ttyUSB0', 'ttyUSB1', 'ttyACM0', 'tty0', 'ttyS0', 'null')
  await machine.link('by-id/usb-FTDI_FT232R_A50285BI-if00-port0', 'ttyUSB1')
  await machine.link('by-path/pci-0000:00:14.0-usb-0:1:1.0-port0', 'ttyUSB0')
  await machine.link('by-path/pci-0000:00:14.0-usb-0:2:1.0-port0', 'ttyUSB1')
  await machine.link('by-path/left-behind', 'ttyUSB9')

  const found = await discoverSerial(machine)
  expect(found.map(({ spec }) => spec)).toEqual([
    `serial-line:${dev}/ttyACM0`,
    `serial-line:${dev}/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0`,
    `serial-line:${dev}/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0`,
  ])
  expect(found.map(({ description }) => description)).toEqual([
    'serial port, after the next plug this name may be another device’s',
    `serial port, now ${dev}/ttyUSB0`,
    `serial port, now ${dev}/ttyUSB1`,
  ])
})

test('a device without a number of its own is known by its USB port, though udev also names it by its make', async () => {
  await using machine = await Machine.create()
  const { dev } = machine
  await machine.node('ttyUSB0', 'ttyUSB1', 'ttyUSB2')
  await machine.usb('ttyUSB0', '1-1.2', ch340)
  await machine.usb('ttyUSB1', '1-1.3', cp2102)
  await machine.usb('ttyUSB2', '1-1.4', ftdi)
  for (const [node, id] of [
    ['ttyUSB0', 'usb-1a86_USB_Serial-if00-port0'],
    ['ttyUSB1', 'usb-Silicon_Labs_0001-if00-port0'],
    ['ttyUSB2', 'usb-FTDI_FT232R_A50285BI-if00-port0'],
  ] as const) {
    await machine.link(`by-id/${id}`, node)
    await machine.link(`by-path/pci-0000:00:14.0-usb-0:1.${node.slice(-1)}:1.0-port0`, node)
  }

  expect(await discoverSerial(machine)).toEqual([
    {
      spec: `serial-line:${dev}/serial/by-path/pci-0000:00:14.0-usb-0:1.0:1.0-port0`,
      description: `serial port, USB Serial, 1a86:7523, no serial number of its own, USB port 1-1.2, now ${dev}/ttyUSB0`,
    },
    {
      spec: `serial-line:${dev}/serial/by-path/pci-0000:00:14.0-usb-0:1.1:1.0-port0`,
      description: `serial port, Silicon Labs, 10c4:ea60, no serial number of its own, USB port 1-1.3, now ${dev}/ttyUSB1`,
    },
    {
      spec: `serial-line:${dev}/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0`,
      description: `serial port, FTDI FT232R, 0403:6001, serial number A50285BI, USB port 1-1.4, now ${dev}/ttyUSB2`,
    },
  ])
})

test('two devices with the same number are known by their USB ports, two ports of one device by its number', async () => {
  await using machine = await Machine.create()
  const { dev } = machine
  await machine.node('ttyUSB0', 'ttyUSB1', 'ttyUSB2', 'ttyUSB3')
  await machine.usb('ttyUSB0', '1-1.2', ftdi)
  await machine.usb('ttyUSB1', '1-1.3', ftdi)
  await machine.usb('ttyUSB2', '1-1.4', { ...ftdi, serial: 'FT2232' })
  await machine.usb('ttyUSB3', '1-1.4', { ...ftdi, serial: 'FT2232' })
  await machine.link('by-id/usb-FTDI_FT232R_A50285BI-if00-port0', 'ttyUSB1')
  await machine.link('by-id/usb-FTDI_FT2232-if00-port0', 'ttyUSB2')
  await machine.link('by-id/usb-FTDI_FT2232-if01-port0', 'ttyUSB3')
  for (const port of ['0', '1', '2', '3']) await machine.link(`by-path/port-${port}`, `ttyUSB${port}`)

  const found = await discoverSerial(machine)
  expect(found.map(({ spec }) => spec)).toEqual([
    `serial-line:${dev}/serial/by-path/port-0`,
    `serial-line:${dev}/serial/by-path/port-1`,
    `serial-line:${dev}/serial/by-id/usb-FTDI_FT2232-if00-port0`,
    `serial-line:${dev}/serial/by-id/usb-FTDI_FT2232-if01-port0`,
  ])
  expect(found[0]?.description).toContain('no serial number of its own')
})

test('without udev there are the numbers, with a warning, and what the kernel says', async () => {
  await using machine = await Machine.create()
  await rm(join(machine.dev, 'serial'), { recursive: true })
  await machine.node('ttyACM0')
  await machine.usb('ttyACM0', '1-1.2', { idVendor: '09d8', idProduct: '0420', product: 'TWN4' })
  expect(await discoverSerial(machine)).toEqual([
    {
      spec: `twn4:${machine.dev}/ttyACM0`,
      description:
        'serial port, TWN4, 09d8:0420, no serial number of its own, USB port 1-1.2, ' +
        'after the next plug this name may be another device’s',
    },
  ])
})

test('a machine without serial devices has none', async () => {
  await using machine = await Machine.create()
  expect(await discoverSerial(machine)).toEqual([])
  expect(await serialLine.discover(new AbortController().signal)).toBeInstanceOf(Array)
})
