import { describe, expect, test } from 'vitest'
import { findHid, formatHidAddress, parseHidAddress, stableAddress } from './hid-address.ts'
import type { HidInterface } from './hid-sysfs.ts'

let plugs = 0
function device(of: Partial<HidInterface> = {}): HidInterface {
  plugs += 1
  return {
    node: `/dev/hidraw${String(plugs)}`,
    folder: `/sys/devices/${String(plugs)}`,
    vendorId: 'ffff',
    productId: '0035',
    name: 'Reader',
    serial: '',
    port: `usb-0000:00:14.0-${String(plugs)}`,
    index: 0,
    reports: { keyboardIds: [0], featureIds: [] },
    ...of,
  }
}

describe('an address', () => {
  test.each([
    ['ffff:0035', { vendorId: 'ffff', productId: '0035' }],
    ['FFFF:00aB', { vendorId: 'ffff', productId: '00ab' }],
    ['ffff:0035:08FF2014', { vendorId: 'ffff', productId: '0035', serial: '08FF2014' }],
    ['ffff:0035:a:b', { vendorId: 'ffff', productId: '0035', serial: 'a:b' }],
    ['ffff:0035@usb-0000:00:14.0-2.3', { vendorId: 'ffff', productId: '0035', port: 'usb-0000:00:14.0-2.3' }],
  ])('%s is read, and written again', (text, address) => {
    expect(parseHidAddress(text)).toEqual(address)
    expect(formatHidAddress(address).toLowerCase()).toBe(text.toLowerCase())
  })

  test.each([
    '/dev/hidraw0',
    'hidraw0',
    'ffff',
    'ffff:',
    'ffff:35',
    'fffff:0035',
    'ffff:0035:',
    'ffff:0035@',
    'ggff:0035',
    'usb-0000:00:14.0-2',
    '@usb-0000:00:14.0-2',
    'auto',
  ])('%s is none: make and model are always said, a number of a node never', (text) => {
    expect(parseHidAddress(text)).toBeUndefined()
  })
})

const ffff = { vendorId: 'ffff', productId: '0035' }

describe('the device that is meant', () => {
  test('is the only one of its model, whatever else is plugged in', () => {
    const reader = device()
    const keyboard = device({ vendorId: '046d', productId: 'c31c' })
    expect(findHid([keyboard, reader], ffff, 'keyboard')).toBe(reader)
    expect(() => findHid([keyboard], ffff, 'keyboard')).toThrow(
      expect.objectContaining({ code: 'reader-not-found' }),
    )
  })

  test('is told from its like by serial number and by port', () => {
    const left = device({ serial: 'L' })
    const right = device({ serial: 'R' })
    expect(findHid([left, right], { ...ffff, serial: 'R' }, 'keyboard')).toBe(right)
    expect(findHid([left, right], { ...ffff, port: left.port }, 'keyboard')).toBe(left)
    for (const wrong of [{ serial: 'X' }, { port: 'usb-9' }]) {
      expect(() => findHid([left, right], { ...ffff, ...wrong }, 'keyboard')).toThrow(
        expect.objectContaining({ code: 'reader-not-found' }),
      )
    }
  })

  test('at a port is of the model that was named: another keyboard plugged in there is not read', () => {
    const keyboard = device({ vendorId: '046d', productId: 'c31c' })
    expect(() => findHid([keyboard], { ...ffff, port: keyboard.port }, 'keyboard')).toThrow(
      expect.objectContaining({ code: 'reader-not-found' }),
    )
  })

  test('is not chosen by chance among several, and the choices are named', () => {
    const left = device({ serial: 'L' })
    const right = device({ serial: 'same' })
    const hall = device({ serial: 'same' })
    expect(() => findHid([left, right, hall], ffff, 'keyboard')).toThrow(
      expect.objectContaining({
        code: 'reader-not-found',
        message: `ffff:0035 fits several devices: name one of ffff:0035:L, ffff:0035@${right.port}, ffff:0035@${hall.port}`,
      }),
    )
    expect(() => findHid([left, right, hall], { ...ffff, serial: 'same' }, 'keyboard')).toThrow(
      /several devices/,
    )
  })

  test('is read through the interface that is a keyboard, the first of two', () => {
    const port = 'usb-1'
    const mouse = device({ port, index: 0, reports: { keyboardIds: [], featureIds: [0] } })
    const second = device({ port, index: 2 })
    const first = device({ port, index: 1 })
    expect(findHid([mouse, second, first], ffff, 'keyboard')).toBe(first)
    expect(findHid([mouse, second, first], ffff, 'feature')).toBe(mouse)
    for (const need of ['keyboard', 'feature'] as const) {
      const bare = device({ reports: { keyboardIds: [], featureIds: [] } })
      expect(() => findHid([bare], ffff, need)).toThrow(expect.objectContaining({ code: 'reader-protocol' }))
    }
  })

  test('without a port is a device of its own', () => {
    expect(() => findHid([device({ port: '' }), device({ port: '' })], ffff, 'keyboard')).toThrow(/several/)
  })
})

test('the address to keep is the serial number, unless another has it too, else the port', () => {
  const left = device({ serial: 'L' })
  const right = device({ serial: 'same' })
  const hall = device({ serial: 'same' })
  const plugged = [left, right, hall, device({ serial: 'L', productId: '0036' })]
  expect(stableAddress(left, plugged)).toEqual({ ...ffff, serial: 'L' })
  expect(stableAddress(right, plugged)).toEqual({ ...ffff, port: right.port })
  // Two interfaces of one device share the number.
  const second = device({ serial: 'L', port: left.port, index: 1 })
  expect(stableAddress(left, [...plugged, second])).toEqual({ ...ffff, serial: 'L' })
  const bare = device({ port: '' })
  expect(stableAddress(bare, [bare])).toEqual(ffff)
})
