import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isPluggedIn, listHid, machinePlaces, reachesInput } from './hid-sysfs.ts'
import { compositeKeyboard, FakeHid } from './hid.testing.ts'

test('every interface is listed with what names it, by number of its node', async () => {
  await using machine = await FakeHid.create()
  await machine.plug(
    { id: '1A86:DD01', port: 'usb-0000:00:14.0-1.4', index: 1, descriptor: compositeKeyboard },
    10,
  )
  await machine.plug({ id: 'FFFF:0035', name: 'SYC ID&IC = USB Reader', serial: '08FF20140315' }, 2)
  expect(await listHid(machine.bus.places)).toEqual([
    {
      node: join(machine.bus.places.dev, 'hidraw2'),
      folder: expect.stringMatching(/\/0003:FFFF:0035\.0002\/hidraw\/hidraw2$/) as unknown,
      vendorId: 'ffff',
      productId: '0035',
      name: 'SYC ID&IC = USB Reader',
      serial: '08FF20140315',
      port: 'usb-0000:00:14.0-2',
      index: 0,
      reports: { keyboardIds: [0], featureIds: [] },
    },
    {
      node: join(machine.bus.places.dev, 'hidraw10'),
      folder: expect.stringMatching(/\/0003:1A86:DD01\.0001\/hidraw\/hidraw10$/) as unknown,
      vendorId: '1a86',
      productId: 'dd01',
      name: 'Reader',
      serial: '',
      port: 'usb-0000:00:14.0-1.4',
      index: 1,
      reports: { keyboardIds: [2], featureIds: [] },
    },
  ])
})

test('one that is leaving, and a machine without any, are no fault', async () => {
  await using machine = await FakeHid.create()
  expect(await listHid(machine.bus.places)).toEqual([])
  await machine.plug({ id: 'FFFF:0035' })
  const [device] = await listHid(machine.bus.places)
  await rm(join(device?.folder ?? '', 'device/report_descriptor'))
  expect(await listHid(machine.bus.places)).toEqual([])
  await rm(machine.bus.places.sysfs, { recursive: true })
  expect(await listHid(machine.bus.places)).toEqual([])
  expect(await listHid(machinePlaces)).toBeInstanceOf(Array)
})

test('a device is the same until it is unplugged, also when another comes under its node', async () => {
  await using machine = await FakeHid.create()
  const reader = await machine.plug({ id: 'FFFF:0035' })
  const [device] = await listHid(machine.bus.places)
  if (device === undefined) expect.unreachable()
  expect(await isPluggedIn(machine.bus.places, device)).toBe(true)
  await reader.unplug()
  expect(await isPluggedIn(machine.bus.places, device)).toBe(false)
  await machine.plug({ id: 'FFFF:0035' })
  expect(await isPluggedIn(machine.bus.places, device)).toBe(false)
})

test('keys reach the input layer unless every input device is inhibited', async () => {
  await using machine = await FakeHid.create()
  const reader = await machine.plug({ id: 'FFFF:0035', inhibited: null })
  const [device] = await listHid(machine.bus.places)
  if (device === undefined) expect.unreachable()
  expect(await reachesInput(device)).toBe(false)
  await reader.inhibit('0')
  expect(await reachesInput(device)).toBe(true)
  await reader.inhibit('1')
  expect(await reachesInput(device)).toBe(false)
  await reader.inhibit('0', 'input8')
  expect(await reachesInput(device)).toBe(true)
  await reader.inhibit('1', 'input8')
  expect(await reachesInput(device)).toBe(false)
  // A kernel before 5.11 cannot inhibit.
  await rm(join(device.folder, 'device/input/input8/inhibited'))
  expect(await reachesInput(device)).toBe(true)
  await reader.unplug()
  expect(await reachesInput(device)).toBeUndefined()
})
