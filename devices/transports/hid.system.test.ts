import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { driverNames, loadDriver } from '../registry.ts'
import { openError, openHidraw } from './hid.ts'

const nobody = { report: () => undefined, failed: () => undefined }

test('its native part is loaded when a device is opened, not with the list of drivers', async () => {
  const isLoaded = async (): Promise<boolean> =>
    (await readFile('/proc/self/maps', 'utf8')).includes('HID_hidraw')
  await Promise.all(driverNames.map(loadDriver))
  expect(await isLoaded()).toBe(false)
  await openHidraw('/dev/null', nobody).catch(() => undefined)
  expect(await isLoaded()).toBe(true)
})

test.each([
  ['/dev/hidraw-none', 'reader-not-found'],
  ['/dev/null/hidraw0', 'reader-failed'],
  ['/dev/null', 'reader-protocol'],
])('opening %s through node-hid itself throws %s', async (path, code) => {
  await expect(openHidraw(path, nobody)).rejects.toMatchObject({ code, message: `cannot open ${path}` })
})

test.each([
  ["Failed to open a device with path '/dev/hidraw0': Permission denied", 'reader-permission'],
  ["Failed to open a device with path '/dev/hidraw0': Operation not permitted", 'reader-permission'],
  ["Failed to open a device with path '/dev/hidraw0': No such device", 'reader-not-found'],
  ["Failed to open a device with path '/dev/hidraw0': Device or resource busy", 'reader-busy'],
  ['libusb-1.0.so.0: cannot open shared object file: No such file or directory', 'reader-failed'],
  ['something new', 'reader-failed'],
])('node-hid saying %j is %s', (text, code) => {
  expect(openError('/dev/hidraw0', new Error(text))).toMatchObject({ code })
})
