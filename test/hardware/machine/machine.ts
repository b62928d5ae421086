/**
 * A lobby machine to break: Debian's kernel in QEMU without hardware virtualisation, the host's files under its own
 * changes, a disk of its own, and USB devices that are plugged in and out from outside. A program takes twenty times
 * as long in it as on the host.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandResult, connectWhenThere, openControl } from './control.ts'
import { openQmp, type Qmp } from './qmp.ts'
import type { Supplies } from './supplies.ts'

/** Under this address the machine reaches the host's loopback. */
export const hostAddress = '10.0.2.2'

/** What survives a power cut lies here. */
export const stateFolder = '/mnt'

/** Serial numbers of the adapters in USB ports 1 to 4: the last two are clones of each other. */
const adapters = ['reader-1', 'reader-2', 'clone', 'clone']

/** A loaded host makes the kernel doubt its timer; and what protects from Meltdown costs half of the speed. */
const kernelOptions = 'console=ttyS0 quiet panic=1 no_timer_check mitigations=off'

/** No second processor: V8 rewrites code that another one runs, and QEMU 7.2 does not always notice. */
const processor = ['-accel', 'tcg,thread=single', '-cpu', 'Nehalem', '-smp', '1']

export interface Machine extends AsyncDisposable {
  /** Runs a shell command line as root. */
  run(command: string): Promise<CommandResult>
  /** Plugs a USB serial adapter (FTDI) into port 1 to 4; its other end is in our hand. */
  plugSerial(port: number): Promise<SerialPlug>
  /** Plugs a USB keyboard in; `serial` is what by-id names it by. */
  plugKeyboard(id: string): Promise<Keyboard>
  /** A port on the host's loopback that leads to this one of the machine's. */
  forward(port: number): Promise<number>
  /**
   * Ends the machine as a power cut does. What it held in memory is gone: that of its programs, of its file system and
   * of its block layer. What it had sent to the disk is there, flushed or not: this disk loses no cache of its own.
   */
  cutPower(): Promise<void>
}

export interface SerialPlug extends AsyncDisposable {
  write(bytes: string | Uint8Array): void
  unplug(): Promise<void>
}

/** Disposing unplugs it, and resolves when it is. */
export interface Keyboard extends AsyncDisposable {
  /** Types letters and digits as a US keyboard would, `\n` as Enter. */
  type(text: string): Promise<void>
}

/** A disk for `bootMachine` that outlives the machine. */
export function createDisk(folder: string): string {
  const path = join(folder, 'state.img')
  execFileSync('truncate', ['-s', '256M', path])
  execFileSync('/usr/sbin/mkfs.ext4', ['-q', '-F', path], { stdio: 'ignore' })
  return path
}

export async function bootMachine({ kernel, initramfs, checkout }: Supplies, disk: string): Promise<Machine> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'vlt-machine-')), (path) => {
    rmSync(path, { recursive: true, force: true })
  })
  const at = (name: string): string => join(folder, name)
  const socket = (id: string): string => `socket,id=${id},path=${at(id)},server=on,wait=off`
  const qemu = spawn(
    'setpriv',
    [
      // A test that is killed leaves no machine behind.
      ...['--pdeathsig', 'KILL', 'qemu-system-x86_64'],
      ...processor,
      ...['-m', '1024'],
      ...['-nodefaults', '-display', 'none', '-no-reboot'],
      ...['-kernel', kernel.image, '-initrd', initramfs],
      ...['-append', `${kernelOptions} checkout=${checkout}`],
      ...['-serial', `file:${at('console')}`],
      ...['-chardev', socket('control'), '-serial', 'chardev:control'],
      ...['-chardev', socket('qmp'), '-mon', 'chardev=qmp,mode=control'],
      ...['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
      ...['-drive', `file=${disk},format=raw,if=virtio,cache=writeback`],
      ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='],
      ...['-device', 'qemu-xhci,id=usb,p2=8,p3=8'],
      ...adapters.flatMap((serial, index) => {
        const port = String(index + 1)
        const adapter = `usb-serial,chardev=serial${port},port=${port},serial=${serial}`
        return ['-chardev', socket(`serial${port}`), '-device', adapter]
      }),
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
      plug.resume().on('error', () => undefined)
      const unplug = async (): Promise<void> => {
        if (plug.closed) return
        const closed = once(plug, 'close')
        plug.destroy()
        await closed
      }
      return {
        write: (bytes) => void plug.write(bytes),
        unplug,
        [Symbol.asyncDispose]: unplug,
      }
    },
    async plugKeyboard(id) {
      await qmp.execute('device_add', { driver: 'usb-kbd', id, serial: id, bus: 'usb.0' })
      return {
        async type(text) {
          for (const key of text) await press(qmp, key)
        },
        async [Symbol.asyncDispose]() {
          await qmp.execute('device_del', { id })
        },
      }
    },
    async forward(port) {
      const monitor = (line: string): Promise<unknown> =>
        qmp.execute('human-monitor-command', { 'command-line': line })
      await monitor(`hostfwd_add net tcp:127.0.0.1:0-:${String(port)}`)
      const table = String(await monitor('info usernet'))
      const found = new RegExp(`HOST_FORWARD.* (\\d+) +10\\.0\\.2\\.15 +${String(port)} `).exec(table)?.[1]
      if (found === undefined) throw new Error(`port ${String(port)} is not forwarded:\n${table}`)
      return Number(found)
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
