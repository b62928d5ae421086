import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findPortHolder, holderHint } from './port-holder.ts'

let folder: string
let proc: string
let device: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-holder-'))
  proc = join(folder, 'proc')
  device = join(folder, 'ttyUSB0')
  writeFileSync(device, '')
  mkdirSync(proc)
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** `files`: what its descriptors lead to; undefined: nobody may look. */
function program(pid: number, name: string, files?: string[]): void {
  mkdirSync(join(proc, String(pid)))
  writeFileSync(join(proc, String(pid), 'comm'), `${name}\n`)
  // A file where a folder is expected cannot be listed, whoever asks; the tests may run as root.
  if (files === undefined) writeFileSync(join(proc, String(pid), 'fd'), '')
  else mkdirSync(join(proc, String(pid), 'fd'))
  files?.forEach((file, index) => {
    symlinkSync(file, join(proc, String(pid), 'fd', String(index)))
  })
}

test('the program that has the device open is found, whatever name it was opened by', async () => {
  program(7, 'sshd', ['/dev/null', 'socket:[1]'])
  program(8, 'minicom', ['/dev/null', device])
  symlinkSync(device, join(folder, 'by-id'))
  expect(await findPortHolder(join(folder, 'by-id'), proc)).toEqual({ name: 'minicom', pid: 8 })
})

test.each(['ModemManager', 'brltty'])(
  '%s is named where nobody may look into the programs of others',
  async (name) => {
    program(7, 'sshd')
    program(8, name)
    expect(await findPortHolder(device, proc)).toEqual({ name })
  },
)

test.each([
  [['/usr/bin/node', '/opt/vlt-kiosk/dist/agent/cli.js', 'run'], 'another vlt-agent'],
  [['node', '/home/clerk/terminal.js'], 'node'],
])('a program of Node is known by what it runs: %j', async (command, name) => {
  program(8, 'MainThread', [device])
  writeFileSync(join(proc, '8', 'cmdline'), `${command.join('\0')}\0`)
  expect(await findPortHolder(device, proc)).toEqual({ name, pid: 8 })
})

test('a certain holder counts more than a suspect', async () => {
  program(7, 'ModemManager')
  program(8, 'screen', [device])
  expect(await findPortHolder(device, proc)).toEqual({ name: 'screen', pid: 8 })
})

test.each([
  ['nobody', () => undefined],
  [
    'a program that cannot be looked into',
    () => {
      program(7, 'sshd')
    },
  ],
  [
    'a program that ends meanwhile',
    () => {
      mkdirSync(join(proc, '7'))
    },
  ],
])('%s is no answer, and no failure', async (_name, given) => {
  given()
  expect(await findPortHolder(device, proc)).toBeUndefined()
})

test('no device and no /proc are no failure either', async () => {
  expect(await findPortHolder(join(folder, 'missing'), proc)).toBeUndefined()
  expect(await findPortHolder(device, join(folder, 'missing'))).toBeUndefined()
})

test.each([
  [{ name: 'ModemManager', pid: 8 }, /^ModemManager \(process 8\) has .*60-vlt-readers\.rules/],
  [{ name: 'ModemManager' }, /^ModemManager runs here and most likely has .*60-vlt-readers\.rules/],
  [{ name: 'brltty', pid: 8 }, /^brltty .*apt-get remove brltty/],
  [{ name: 'minicom', pid: 8 }, /^minicom \(process 8\) .*end that program/],
])('what to do about %j', (holder, hint) => {
  expect(holderHint(holder)).toMatch(hint)
})
