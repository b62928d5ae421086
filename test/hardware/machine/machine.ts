/**
 * A lobby machine to break: Debian's kernel in QEMU without hardware virtualisation, the host's files read-only, a
 * disk of its own, and USB devices that are plugged in and out from outside. A command takes several times as long
 * in it as on the host.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandResult, connectWhenThere, openControl } from './control.ts'
import { packInitramfs } from './initramfs.ts'
import { fetchKernel } from './kernel.ts'
import { openQmp, type Qmp } from './qmp.ts'

/** Under this address the machine reaches the host's loopback. */
export const hostAddress = '10.0.2.2'

/** What survives a power cut lies here. */
export const stateFolder = '/mnt'

const usbPorts = 4

export interface Machine extends AsyncDisposable {
  /** Runs a shell command line as root. */
  run(command: string): Promise<CommandResult>
  /** Plugs a USB serial adapter (FTDI) into port 1 to 4; its other end is in our hand. */
  plugSerial(port: number): Promise<SerialPlug>
  /** Plugs a USB keyboard in; `serial` is what by-id names it by. */
  plugKeyboard(id: string): Promise<Keyboard>
  /** Ends the machine as a power cut does: what it had not flushed to its disk is gone. */
  cutPower(): Promise<void>
}

export interface SerialPlug {
  write(bytes: string | Uint8Array): void
  /** What the machine wrote to the adapter so far. */
  received(): Buffer
  unplug(): Promise<void>
}

export interface Keyboard {
  /** Types letters and digits as a US keyboard would, `\n` as Enter. */
  type(text: string): Promise<void>
  unplug(): Promise<void>
}

/** A disk for `bootMachine` that outlives the machine. */
export function createDisk(folder: string): string {
  const path = join(folder, 'state.img')
  execFileSync('truncate', ['-s', '256M', path])
  execFileSync('mkfs.ext4', ['-q', '-F', path], { stdio: 'ignore' })
  return path
}

export async function bootMachine(disk: string): Promise<Machine> {
  const kernel = fetchKernel()
  await using stack = new AsyncDisposableStack()
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'vlt-machine-')), (path) => {
    rmSync(path, { recursive: true, force: true })
  })
  const at = (name: string): string => join(folder, name)
  packInitramfs(kernel, at('initramfs'))
  const serialPorts = Array.from({ length: usbPorts }, (_, index) => index + 1)
  const socket = (id: string): string => `socket,id=${id},path=${at(id)},server=on,wait=off`
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1536'],
      ...['-nodefaults', '-display', 'none', '-no-reboot'],
      ...['-kernel', kernel.image, '-initrd', at('initramfs')],
      ...['-append', 'console=ttyS0 quiet panic=1'],
      ...['-serial', `file:${at('console')}`],
      ...['-chardev', socket('control'), '-serial', 'chardev:control'],
      ...['-chardev', socket('qmp'), '-mon', 'chardev=qmp,mode=control'],
      ...['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
      ...['-drive', `file=${disk},format=raw,if=virtio,cache=writeback`],
      ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='],
      ...['-device', 'qemu-xhci,id=usb,p2=8,p3=8'],
      ...serialPorts.flatMap((port) => [
        '-chardev',
        socket(`serial${String(port)}`),
        '-device',
        `usb-serial,chardev=serial${String(port)},port=${String(port)},serial=reader-${String(port)}`,
      ]),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let complaints = ''
  qemu.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  const ended = once(qemu, 'close')
  const kill = async (): Promise<void> => {
    qemu.kill('SIGKILL')
    await ended
  }
  stack.defer(kill)

  const qmp = stack.use(await openQmp(at('qmp')))
  const control = stack.use(openControl(at('control')))
  const died = ended.then(() => {
    throw new Error(`QEMU ended: ${complaints}`)
  })
  died.catch(() => undefined)
  try {
    await Promise.race([control.ready, died])
  } catch (cause) {
    throw new Error(`the machine did not start:\n${complaints}\n${readFileSync(at('console'), 'utf8')}`, {
      cause,
    })
  }

  const owned = stack.move()
  return {
    run: (command) => control.run(command),
    async plugSerial(port) {
      const plug: Socket = await connectWhenThere(at(`serial${String(port)}`))
      const chunks: Buffer[] = []
      plug.on('data', (chunk: Buffer) => chunks.push(chunk))
      plug.on('error', () => undefined)
      return {
        write: (bytes) => void plug.write(bytes),
        received: () => Buffer.concat(chunks),
        async unplug() {
          const closed = once(plug, 'close')
          plug.destroy()
          await closed
        },
      }
    },
    async plugKeyboard(id) {
      await qmp.execute('device_add', { driver: 'usb-kbd', id, serial: id, bus: 'usb.0' })
      return {
        async type(text) {
          for (const key of text) await press(qmp, key)
        },
        async unplug() {
          await qmp.execute('device_del', { id })
        },
      }
    },
    cutPower: kill,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function press(qmp: Qmp, key: string): Promise<void> {
  const code = key === '\n' ? 'ret' : key.toLowerCase()
  const shifted = key !== code && key !== '\n'
  const keys = [...(shifted ? ['shift'] : []), code].map((data) => ({ type: 'qcode', data }))
  await qmp.execute('send-key', { keys, 'hold-time': 20 })
  await new Promise((resolve) => setTimeout(resolve, 40))
}
