import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { discoverSerial, serialLine } from './serial-line.ts'

async function withDevFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'vlt-dev-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('each serial device is found once, by the name that stays its own', async () => {
  await withDevFolder(async (dev) => {
    for (const name of ['ttyUSB0', 'ttyUSB1', 'ttyACM0', 'tty0', 'ttyS0', 'null']) {
      await writeFile(join(dev, name), '')
    }
    await mkdir(join(dev, 'serial/by-id'), { recursive: true })
    await mkdir(join(dev, 'serial/by-path'))
    // Two clones without a serial number share one by-id name; the other is known by its port.
    await symlink('../../ttyUSB1', join(dev, 'serial/by-id/usb-1a86_USB_Serial-if00-port0'))
    await symlink('../../ttyUSB0', join(dev, 'serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0'))
    await symlink('../../ttyUSB1', join(dev, 'serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0'))
    await symlink('../../ttyUSB9', join(dev, 'serial/by-path/left-behind'))

    const found = await discoverSerial(dev)
    expect(found.map(({ spec }) => spec)).toEqual([
      `serial-line:${dev}/serial/by-id/usb-1a86_USB_Serial-if00-port0`,
      `serial-line:${dev}/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0`,
      `serial-line:${dev}/ttyACM0`,
    ])
  })
})

test('a machine without serial devices has none', async () => {
  await withDevFolder(async (dev) => {
    expect(await discoverSerial(dev)).toEqual([])
  })
  expect(await serialLine.discover(new AbortController().signal)).toBeInstanceOf(Array)
})
