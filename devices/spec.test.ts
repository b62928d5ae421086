import { describe, expect, test } from 'vitest'
import { AppError } from '../shared/errors.ts'
import { formatNames, formatOf } from './formats/formats.ts'
import { driverNames, loadDriver } from './registry.ts'
import { readReaderSpec } from './spec.ts'

describe('a spec', () => {
  test('names driver and path, and what is left out has its default', async () => {
    const spec = await readReaderSpec('serial-line:/dev/ttyUSB0')
    expect(spec.id).toBe('serial-line:/dev/ttyUSB0')
    expect(spec.driver.name).toBe('serial-line')
    expect(spec.options).toEqual({
      path: '/dev/ttyUSB0',
      profile: { format: 'hex', byteOrder: 'as-sent', uidBytes: undefined },
      presenceGapMs: 600,
      cooldownMs: 1_500,
      line: { terminator: 'any', prefix: '', suffix: '', maxBytes: 128, idleResetMs: 200 },
      serial: { path: '/dev/ttyUSB0', baudRate: 9_600, dataBits: 8, stopBits: 1, parity: 'none' },
    })
  })

  test('sets every option of serial-line', async () => {
    const { id, options } = await readReaderSpec(
      'serial-line:/dev/ttyACM0?baudRate=115200&dataBits=7&stopBits=2&parity=even&terminator=crlf&prefix=%02UID%3A%20' +
        '&suffix=%03&maxBytes=64&idleResetMs=50&format=decimal-10&byteOrder=reversed&uidBytes=4&presenceGapMs=0' +
        '&cooldownMs=10',
    )
    expect(id).toBe('serial-line:/dev/ttyACM0')
    expect(options).toEqual({
      path: '/dev/ttyACM0',
      profile: { format: 'decimal-10', byteOrder: 'reversed', uidBytes: 4 },
      presenceGapMs: 0,
      cooldownMs: 10,
      line: { terminator: 'crlf', prefix: '\x02UID: ', suffix: '\x03', maxBytes: 64, idleResetMs: 50 },
      serial: { path: '/dev/ttyACM0', baudRate: 115_200, dataBits: 7, stopBits: 2, parity: 'even' },
    })
  })

  test('may have colons in its path', async () => {
    const path = '/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0'
    const spec = await readReaderSpec(`serial-line:${path}?baudRate=2400`)
    expect(spec.options.path).toBe(path)
    expect(spec.id).toBe(`serial-line:${path}`)
  })

  test.each(formatNames)('chooses format %s, with any byte order and the length it has', async (format) => {
    const { uidBytes } = formatOf(format)
    const length = uidBytes === undefined ? '' : `&uidBytes=${String(uidBytes)}`
    const spec = await readReaderSpec(`serial-line:/dev/ttyUSB0?format=${format}&byteOrder=reversed${length}`)
    expect(spec.options.profile).toEqual({ format, byteOrder: 'reversed', uidBytes })
  })

  test('may say that all cards are 125 kHz ones', async () => {
    expect((await readReaderSpec('simulated:lobby?cards=lf')).options.profile.cards).toBe('lf')
  })

  test('of a simulated reader has no cooldown unless it asks for one', async () => {
    expect((await readReaderSpec('simulated:lobby')).options.cooldownMs).toBe(0)
    expect((await readReaderSpec('simulated:lobby?cooldownMs=5')).options.cooldownMs).toBe(5)
  })
})

describe('a wrong spec is refused with what is wrong and what is valid', () => {
  test.each([
    ['', /not <driver>:<path>/],
    ['/dev/ttyUSB0', /not <driver>:<path>/],
    ['simulated', /not <driver>:<path>/],
    ['serial:/dev/ttyUSB0', /'serial' is no driver; the drivers are .*serial-line, .*simulated/],
    ['toString:x', /'toString' is no driver/],
    ['simulated:', /path .* missing/],
    ['simulated:?format=hex', /path .* missing/],
    [
      'simulated:lobby?baud=9600',
      /no option is called 'baud'; the options are format, byteOrder, uidBytes, /,
    ],
    ['simulated:lobby?__proto__=x', /no option is called '__proto__'/],
    ['simulated:lobby?path=x', /written before the question mark/],
    ['simulated:lobby?format', /'format' is not option=value/],
    ['simulated:lobby?=hex', /'=hex' is not option=value/],
    ['simulated:lobby?format=hex&format=hex', /format is given twice/],
    ['simulated:lobby?prefix=%zz', /prefix is not percent-encoded/],
    ['simulated:lobby?prefix=%0D', /prefix: must not hold CR or LF/],
    ['simulated:lobby?format=dec', /format: must be one of hex, decimal-10/],
    ['simulated:lobby?uidBytes=3', /uidBytes: must be a whole number from 4 to 10/],
    ['simulated:lobby?format=decimal-10&uidBytes=7', /uidBytes: must be 4, or left out/],
    [
      'simulated:lobby?format=decimal-13&uidBytes=4',
      /uidBytes: must be 5, or left out, with format=decimal-13/,
    ],
    ['simulated:lobby?format=decimal-3-5&uidBytes=5', /uidBytes: must be 4, or left out/],
    ['simulated:lobby?cards=hf', /cards: must be one of any, lf/],
    ['serial-line:/dev/ttyUSB0?baudRate=0x2580', /baudRate: must be a whole number from 300 to 921600/],
    ['serial-line:/dev/ttyUSB0?baudRate=', /baudRate: must be a whole number/],
    ['serial-line:/dev/ttyUSB0?baudRate=9600.0', /baudRate: must be a whole number/],
    ['serial-line:/dev/ttyUSB0?baudRate= 9600', /baudRate: must be a whole number/],
    ['serial-line:/dev/ttyUSB0?baudRate=1000000', /baudRate: must be a whole number/],
    ['serial-line:/dev/ttyUSB0?dataBits=5', /dataBits: must be one of 7, 8/],
    [
      'serial-line:/dev/ttyUSB0?parity=mark&stopBits=3',
      /stopBits: .*; parity: must be one of none, even, odd/,
    ],
  ])('%j', async (text, message) => {
    const error = await readReaderSpec(text).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AppError)
    expect(error).toMatchObject({
      code: 'reader-spec-invalid',
      message: expect.stringMatching(message) as unknown,
    })
  })
})

test.each(driverNames)('%s is registered under its own name, and every option is explained', async (name) => {
  const driver = await loadDriver(name)
  expect(driver.name).toBe(name)
  expect(driver.optionHelp.length).toBeGreaterThanOrEqual(5)
  for (const { meaning } of driver.optionHelp) expect(meaning).toMatch(/default/)
})
