import nodeHid from 'node-hid'
import { AppError, type ErrorCode } from '../../shared/errors.ts'
import { machinePlaces } from './hid-sysfs.ts'
import type { HidBus } from './hid-line.ts'
import type { Hidraw, HidrawReceiver } from './hidraw.ts'

/** The HID devices of this machine. */
export const machineBus: HidBus = { places: machinePlaces, open: openHidraw }

// The other back end, libusb, takes a device away from the kernel's drivers.
nodeHid.setDriverType('hidraw')

/**
 * Opens a hidraw node through node-hid, whose native part is loaded here and not before.
 *
 * Throws `reader-not-found`, `reader-permission`, `reader-protocol` (it is no hidraw node) or `reader-failed`. A read
 * error of node-hid is a string, and no event says that a device closed (readers.md 2): after the string it is silent.
 */
export async function openHidraw(path: string, receiver: HidrawReceiver): Promise<Hidraw> {
  const device = await nodeHid.HIDAsync.open(path).catch((cause: unknown) => {
    throw openError(path, cause)
  })
  let isClosed = false
  device.on('data', (report: Uint8Array) => {
    if (!isClosed) receiver.report(report)
  })
  device.on('error', (cause: unknown) => {
    if (!isClosed) receiver.failed(cause)
  })
  // It starts reading in the next tick, and throws there, past everybody, when it has been closed by then.
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })

  let closing: Promise<void> | undefined
  return {
    async sendFeatureReport(report) {
      await device.sendFeatureReport(Buffer.from(report))
    },
    getFeatureReport: (id, maxBytes) => device.getFeatureReport(id, maxBytes),
    async [Symbol.asyncDispose]() {
      isClosed = true
      // There is nobody to act on a complaint about closing.
      closing ??= device.close().catch(() => undefined)
      await closing
    },
  }
}

/** node-hid's errors carry no code, only text: that of strerror, among them. */
const openErrors: { code: ErrorCode; text: RegExp; also?: string }[] = [
  {
    code: 'reader-failed',
    text: /cannot open shared object file/,
    also: ': a library is missing, install libusb-1.0-0 and libudev1',
  },
  { code: 'reader-not-found', text: /No such (file|device)/ },
  // systemd's device policy answers EPERM where the mode of the node answers EACCES.
  { code: 'reader-permission', text: /Permission denied|Operation not permitted$/ },
  { code: 'reader-busy', text: /Device or resource busy/ },
  { code: 'reader-protocol', text: /not a HIDRAW device/ },
]

/** For tests: an error of node-hid by what it means. */
export function openError(path: string, cause: unknown): AppError {
  const text = cause instanceof Error ? cause.message : String(cause)
  const known = openErrors.find((error) => error.text.test(text))
  return new AppError(known?.code ?? 'reader-failed', `cannot open ${path}${known?.also ?? ''}`, { cause })
}
