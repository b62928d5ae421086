import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseUdevRules, playUdevRules } from './udev-rules.ts'

const run = promisify(execFile)
const here = import.meta.dirname

/** Highest exposure that each unit may score, of 10. */
const limits = { 'vlt-agent.service': 2.0, 'vlt-server.service': 1.5 }
/** Chromium brings a sandbox of its own, which needs what the others do without. */
const screen = 'vlt-kiosk-page.service'
const units = Object.keys(limits) as (keyof typeof limits)[]

/** A folder that verify takes for the root of a machine on which the package is installed. */
let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'vlt-units-'))
  const program = join(root, 'usr/lib/vlt-kiosk/node/bin/node')
  await mkdir(dirname(program), { recursive: true })
  await writeFile(program, '#!/bin/sh\n')
  await chmod(program, 0o755)
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** The unit with `change` applied, in a folder of its own, since verify takes the name from the file. */
async function unitFile(unit: string, change: (text: string) => string = (text) => text): Promise<string> {
  const folder = await mkdtemp(join(root, 'unit-'))
  const file = join(folder, unit)
  await writeFile(file, change(await readFile(join(here, unit), 'utf8')))
  return file
}

/** What `systemd-analyze verify` complains about. The programs are looked for under `root`. */
async function complaints(unit: string, change: (text: string) => string = (text) => text): Promise<string> {
  const file = await unitFile(unit, (text) => change(text).replaceAll('/usr/lib/vlt-kiosk/node', `${root}$&`))
  const args = ['verify', '--man=no', '--recursive-errors=no', file]
  const { stdout, stderr } = await run('systemd-analyze', args).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  )
  return stdout + stderr
}

async function exposure(unit: string, change?: (text: string) => string): Promise<number> {
  const file = await unitFile(unit, change)
  const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', file])
  const [, score] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? []
  return Number(score)
}

describe(screen, () => {
  test('is a unit systemd has nothing to say about', async () => {
    expect(await complaints(screen)).toBe('')
  })

  test('exposes what a browser has to, and no more', async () => {
    expect(await exposure(screen)).toBeLessThanOrEqual(4.9)
  })

  test('starts for ever', async () => {
    const text = await readFile(join(here, screen), 'utf8')
    for (const setting of ['Restart=always', 'RestartSec=2', 'StartLimitIntervalSec=0'])
      expect(text.split('\n')).toContain(setting)
  })
})

describe.each(units)('%s', (unit) => {
  test('is a unit systemd has nothing to say about', async () => {
    expect(await complaints(unit)).toBe('')
  })

  test('would be complained about with a setting that does not exist', async () => {
    const broken = await complaints(unit, (text) => text.replace('ProtectHome=', 'ProtectHouse='))
    expect(broken).toMatch(/Unknown key .*'ProtectHouse'/)
  })

  test('exposes little', async () => {
    expect(await exposure(unit)).toBeLessThanOrEqual(limits[unit])
  })

  test('would expose too much as root without a sandbox', async () => {
    const bare = await exposure(unit, (text) =>
      text.replace(
        /^(User|Group|Supplementary\w*|Protect\w*|Private\w*|Restrict\w*|SystemCall\w*)=.*\n/gm,
        '',
      ),
    )
    expect(bare).toBeGreaterThan(limits[unit])
  })

  test('starts for ever, says when it works, and is watched', async () => {
    const text = await readFile(join(here, unit), 'utf8')
    for (const setting of [
      'Type=notify',
      'NotifyAccess=all',
      'WatchdogSec=30',
      'Restart=always',
      'RestartSec=2',
      'StartLimitIntervalSec=0',
      'StateDirectoryMode=0700',
      'SystemCallErrorNumber=EPERM',
    ]) {
      expect(text.split('\n')).toContain(setting)
    }
    // V8 dies with it.
    expect(text).not.toMatch(/^MemoryDenyWriteExecute=/m)
  })

  test('may run systemd-notify', async () => {
    const text = await readFile(join(here, unit), 'utf8')
    const refused = [...text.matchAll(/^SystemCallFilter=~(.*)$/gm)].flatMap(([, sets = '']) =>
      sets.split(' '),
    )
    const { stdout } = await run('systemd-analyze', ['syscall-filter', '--no-pager', ...refused])
    for (const call of ['execve', 'clone', 'clone3', 'vfork', 'sendmsg', 'socket', 'wait4']) {
      expect(stdout.split(/\s+/)).not.toContain(call)
    }
    expect(text).toMatch(/^RestrictAddressFamilies=.*AF_UNIX/m)
  })
})

test('the users of the units are made, and the agent is in the group of the readers', async () => {
  const machine = await mkdtemp(join(root, 'machine-'))
  await mkdir(join(machine, 'etc'))
  for (const name of ['vlt-agent', 'vlt-server']) {
    const file = join(machine, 'usr/lib/sysusers.d', `${name}.conf`)
    await mkdir(dirname(file), { recursive: true })
    await cp(join(here, `${name}.sysusers.conf`), file)
  }
  await run('systemd-sysusers', [`--root=${machine}`])
  const users = await readFile(join(machine, 'etc/passwd'), 'utf8')
  const groups = await readFile(join(machine, 'etc/group'), 'utf8')
  for (const unit of units) {
    const text = await readFile(join(here, unit), 'utf8')
    const [, user = 'none'] = /^User=(.*)$/m.exec(text) ?? []
    const [, group = 'none'] = /^Group=(.*)$/m.exec(text) ?? []
    expect(users).toMatch(new RegExp(`^${user}:.*:/var/lib/${user}:/usr/sbin/nologin$`, 'm'))
    expect(groups).toMatch(new RegExp(`^${group}:`, 'm'))
  }
  expect(groups).toMatch(/^vlt-reader:.*:vlt-agent$/m)
})

describe('the udev rules', () => {
  const rulesFile = join(here, '60-vlt-readers.rules')
  const readers = ['1a86:7523', '10c4:ea60', '0403:6001', '0403:6015', '067b:2303', '09d8:0420']
  const port = 'pci-0000:00:14.0-usb-0:2:1.0'

  function serialPort(id: string, action = 'add') {
    const [idVendor = '', idProduct = ''] = id.split(':')
    return {
      action,
      subsystem: 'tty',
      env: { ID_PATH: port },
      chain: [
        { subsystem: 'tty', attributes: {} },
        { subsystem: 'usb-serial', attributes: {} },
        { subsystem: 'usb', attributes: { bInterfaceNumber: '00' } },
        { subsystem: 'usb', attributes: { idVendor, idProduct } },
        { subsystem: 'usb', attributes: { idVendor: '1d6b', idProduct: '0002' } },
      ],
    }
  }

  test.each(readers)('give %s to the group of the readers, and keep modem managers off', async (id) => {
    const rules = parseUdevRules(await readFile(rulesFile, 'utf8'))
    const { group, mode, symlinks, env } = playUdevRules(rules, serialPort(id))
    expect({ group, mode, symlinks }).toEqual({
      group: 'vlt-reader',
      mode: '0660',
      symlinks: [`rfid/${port}`],
    })
    expect(env['ID_MM_DEVICE_IGNORE']).toBe('1')

    const [idVendor = '', idProduct = ''] = id.split(':')
    const device = { subsystem: 'usb', attributes: { idVendor, idProduct } }
    const ofDevice = playUdevRules(rules, { action: 'add', subsystem: 'usb', env: {}, chain: [device] })
    expect(ofDevice).toEqual({
      symlinks: [],
      attributes: {},
      env: { VLT_READER: '1', ID_MM_DEVICE_IGNORE: '1', ID_MM_PORT_IGNORE: '1' },
    })
  })

  test.each(['1a86:7524', '7523:1a86', '0403:ea60', '1d6b:0002'])('leave %s alone', async (id) => {
    const rules = parseUdevRules(await readFile(rulesFile, 'utf8'))
    const device = serialPort(id)
    expect(playUdevRules(rules, device)).toEqual({ symlinks: [], env: device.env, attributes: {} })
  })

  test('leave a reader that goes, and other devices of its kind, alone', async () => {
    const rules = parseUdevRules(await readFile(rulesFile, 'utf8'))
    expect(playUdevRules(rules, serialPort('1a86:7523', 'remove')).group).toBeUndefined()
    expect(playUdevRules(rules, { ...serialPort('1a86:7523'), subsystem: 'input' }).group).toBeUndefined()
  })

  /** A HID device as its hidraw node, its input device or the event node of that comes to the rules. */
  function wedge(id: string, kernel: string, manufacturer = 'Maker') {
    const [idVendor = '', idProduct = ''] = id.toLowerCase().split(':')
    const input = { subsystem: 'input', kernel: 'input7', attributes: { inhibited: '0' } }
    const subsystem = kernel.startsWith('hidraw') ? 'hidraw' : 'input'
    return {
      action: 'add',
      subsystem,
      env: subsystem === 'input' ? { ID_INPUT: '1', ID_INPUT_KEY: '1', ID_INPUT_KEYBOARD: '1' } : {},
      chain: [
        { subsystem, kernel, attributes: {} },
        ...(kernel.startsWith('event') ? [input] : []),
        { subsystem: 'hid', kernel: `0003:${id}.0004`, attributes: {} },
        { subsystem: 'usb', kernel: '1-2:1.0', attributes: { bInterfaceNumber: '00' } },
        { subsystem: 'usb', kernel: '1-2', attributes: { idVendor, idProduct, manufacturer } },
        { subsystem: 'usb', kernel: 'usb1', attributes: { idVendor: '1d6b', idProduct: '0002' } },
      ],
    }
  }

  const wedges = ['FFFF:0035', '1A86:DD01', '413D:2107', '09D8:0410', '0C27:3BFA', '16C0:27DB']
  const quiet = { ID_INPUT: '', ID_INPUT_KEY: '', ID_INPUT_KEYBOARD: '', ID_INPUT_MOUSE: '' }

  test.each(wedges)('keep what %s types from everybody but the group of the readers', async (id) => {
    const rules = parseUdevRules(await readFile(rulesFile, 'utf8'))
    const play = (kernel: string) => playUdevRules(rules, wedge(id, kernel, 'HXGCoLtd'))
    expect(play('hidraw3')).toEqual({
      group: 'vlt-reader',
      mode: '0660',
      symlinks: [],
      env: { VLT_WEDGE: '1' },
      attributes: {},
    })
    const env = { VLT_WEDGE: '1', LIBINPUT_IGNORE_DEVICE: '1', ...quiet }
    expect(play('input7')).toEqual({ symlinks: [], env, attributes: { inhibited: '1' } })
    // The event node has no such attribute, and nobody's group changes.
    expect(play('event5')).toEqual({ symlinks: [], env, attributes: {} })
  })

  test.each([
    ['046D:C31C', 'Logitech'],
    ['FFFF:0036', 'Maker'],
    ['0035:FFFF', 'Maker'],
    ['16C0:27DB', 'Hobbyist'],
    ['1A86:7523', 'QinHeng'],
    ['09D8:0420', 'Elatec'],
  ])('leave the keyboard %s of %s alone', async (id, manufacturer) => {
    const rules = parseUdevRules(await readFile(rulesFile, 'utf8'))
    for (const kernel of ['hidraw3', 'input7', 'event5']) {
      const device = wedge(id, kernel, manufacturer)
      expect(playUdevRules(rules, device)).toEqual({ symlinks: [], env: device.env, attributes: {} })
    }
  })

  test('can be told of another reader that types, and to spare one of these, in a file of its own', async () => {
    const text = await readFile(rulesFile, 'utf8')
    const [, documented = ''] = /^# {3}(SUBSYSTEM=="hidraw\|input".*)$/m.exec(text) ?? []
    const added = parseUdevRules(`${documented}\n${text}`)
    expect(playUdevRules(added, wedge('08FF:0009', 'input7')).attributes).toEqual({ inhibited: '1' })
    expect(playUdevRules(added, wedge('08FF:0009', 'hidraw0')).group).toBe('vlt-reader')
    expect(playUdevRules(added, wedge('FFFF:0035', 'input7')).attributes).toEqual({ inhibited: '1' })
    expect(playUdevRules(added, wedge('046D:C31C', 'input7')).attributes).toEqual({})

    const sparing = documented.replace('08FF:0009', 'FFFF:0035').replace(/"1"$/, '"0"')
    const spared = parseUdevRules(`${sparing}\n${text}`)
    expect(playUdevRules(spared, wedge('FFFF:0035', 'input7')).attributes).toEqual({})
    expect(playUdevRules(spared, wedge('FFFF:0035', 'hidraw0')).group).toBeUndefined()
    expect(playUdevRules(spared, wedge('1A86:DD01', 'input7')).attributes).toEqual({ inhibited: '1' })
  })

  test('open no device to everybody', async () => {
    const text = (await readFile(rulesFile, 'utf8')).replace(/^#.*$/gm, '')
    expect(text).not.toMatch(/uaccess|MODE:?="[^"]*[1-7]"/)
  })

  test.each([
    ['ACTION=="add" GROUP="x"', /commas/],
    ['ACTON=="add"', /not understood: ACTON/],
    ['ACTION="add"', /not understood: ACTION=/],
    ['GROUP=="x"', /not understood: GROUP==/],
    ['GOTO="nowhere"', /no LABEL nowhere/],
    ['MODE="0660', /commas/],
  ])('with a mistake like %j would not be read', (rule, message) => {
    expect(() => parseUdevRules(rule)).toThrow(message)
  })
})

test('the drivers whose devices the agent may open are loaded before it starts', async () => {
  const modules = await readFile(join(here, 'vlt-readers.modules-load.conf'), 'utf8')
  const unit = await readFile(join(here, 'vlt-agent.service'), 'utf8')
  const allowed = [...unit.matchAll(/^DeviceAllow=(\S+ \S+)/gm)].map(([, name]) => name)
  // No char-input: nobody reads a keyboard through the input layer.
  expect(allowed).toEqual(['char-ttyUSB rw', 'char-ttyACM rw', 'char-hidraw rw'])
  expect(modules.split('\n')).toEqual(expect.arrayContaining(['usbserial', 'cdc_acm', 'usbhid']))
})
