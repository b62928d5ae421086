import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hexBytes } from '../codecs/bytes.ts'
import type { HidBus } from './hid-line.ts'
import type { HidrawReceiver } from './hidraw.ts'

export interface FakeHidModel {
  /** As in HID_ID, for example `FFFF:0035`. */
  id: string
  name?: string
  serial?: string
  port?: string
  index?: number
  /** Report descriptor, in hex. */
  descriptor?: string
  /** What the `inhibited` file of its input device says; null: none of its reports makes an input device. */
  inhibited?: string | null
  /** Answers a feature report, or throws as a device that refuses. */
  answer?: (request: Uint8Array) => Uint8Array
}

/** HID 1.11 appendix B.1, shortened by its lights: eight bytes, no report ID. */
export const bootKeyboard =
  '05010906A101 0507 19E029E7 15002501 75019508 8102 95017508 8103 95067508 15002565 0507 19002965 8100 C0'
/** Report ID 2 is a keyboard of nine bytes, report ID 3 its volume keys. */
export const compositeKeyboard =
  '05010906A101 8502 0507 19E029E7 15002501 75019508 8102 95017508 8103 95067508 15002565 19002965 8100 C0' +
  '050C0901A101 8503 15002601 0319002A0103 75109501 8100 C0'
/** Report ID 1: modifiers and one key. */
export const threeByteKeyboard =
  '05010906A101 8501 0507 19E029E7 15002501 75019508 8102 95017508 15002565 19002965 8100 C0'
/** A keyboard of eight bytes with a feature report of eight, as a pcProx has. */
export const keyboardWithFeature =
  '05010906A101 0507 19E029E7 15002501 75019508 8102 95017508 8103 95067508 15002565 19002965 8100' +
  '06A0FF 0901 150026FF00 75089508 B102 C0'
/** Reads and writes reports of a maker's own. */
export const noKeyboard = '06A0FF0901A101 0903 150026FF00 75089540 8102 C0'

/** The HID devices of a machine: a tree as sysfs has it, and nodes that are played. Removes itself. */
export class FakeHid implements AsyncDisposable {
  readonly bus: HidBus
  readonly #root: string
  readonly #open = new Map<string, FakeHidDevice>()
  #plugs = 0

  private constructor(root: string) {
    this.#root = root
    const places = { sysfs: join(root, 'sys'), dev: join(root, 'dev') }
    this.bus = {
      places,
      open: (path, receiver) => {
        const device = this.#open.get(path)
        if (device === undefined) throw new Error(`nothing is plugged in as ${path}`)
        return Promise.resolve(device.attach(receiver))
      },
    }
  }

  static async create(): Promise<FakeHid> {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'vlt-hid-')))
    await mkdir(join(root, 'sys/class/hidraw'), { recursive: true })
    await mkdir(join(root, 'dev'))
    return new FakeHid(root)
  }

  /** `node` is the number of its hidraw node: another one is a replug that was renumbered. */
  async plug(model: FakeHidModel, node = 0): Promise<FakeHidDevice> {
    this.#plugs += 1
    const { id, name = 'Reader', serial = '', port = 'usb-0000:00:14.0-2', index = 0 } = model
    const { descriptor = bootKeyboard, inhibited = '1' } = model
    const [vendor = '', product = ''] = id.split(':')
    const instance = `0003:${id}.${this.#plugs.toString(16).toUpperCase().padStart(4, '0')}`
    const folder = join(this.#root, 'sys/devices/usb1', `${port}:1.${String(index)}`, instance)
    const hidraw = `hidraw${String(node)}`
    await mkdir(join(folder, 'hidraw', hidraw), { recursive: true })
    const uevent = [
      'DRIVER=hid-generic',
      `HID_ID=0003:0000${vendor}:0000${product}`,
      `HID_NAME=${name}`,
      `HID_PHYS=${port === '' ? '' : `${port}/input${String(index)}`}`,
      `HID_UNIQ=${serial}`,
      `MODALIAS=hid:b0003g0001v0000${vendor}p0000${product}`,
    ]
    await writeFile(join(folder, 'uevent'), `${uevent.join('\n')}\n`)
    await writeFile(join(folder, 'report_descriptor'), hexBytes(descriptor))
    await symlink('../..', join(folder, 'hidraw', hidraw, 'device'))
    const device = new FakeHidDevice(folder, join(this.#root, 'dev', hidraw), model.answer, async () => {
      this.#open.delete(device.node)
      await rm(device.node, { force: true })
      await rm(join(this.#root, 'sys/class/hidraw', hidraw), { force: true })
      await rm(folder, { recursive: true, force: true })
    })
    if (inhibited !== null) await device.inhibit(inhibited)
    await writeFile(device.node, '')
    this.#open.set(device.node, device)
    await symlink(join(folder, 'hidraw', hidraw), join(this.#root, 'sys/class/hidraw', hidraw))
    return device
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#root, { recursive: true, force: true })
  }
}

export class FakeHidDevice {
  readonly node: string
  readonly #folder: string
  readonly #leave: () => Promise<void>
  readonly #answer: (request: Uint8Array) => Uint8Array
  readonly #receivers = new Set<HidrawReceiver>()
  #asked: Uint8Array = new Uint8Array()
  #isGone = false

  constructor(
    folder: string,
    node: string,
    answer: ((request: Uint8Array) => Uint8Array) | undefined,
    leave: () => Promise<void>,
  ) {
    this.#folder = folder
    this.node = node
    this.#leave = leave
    this.#answer = answer ?? refuse
  }

  /** How many have it open. */
  get openings(): number {
    return this.#receivers.size
  }

  attach(receiver: HidrawReceiver) {
    this.#receivers.add(receiver)
    const check = (): void => {
      if (this.#isGone)
        throw new Error('could not send feature report to device: ioctl (SFEATURE): No such device')
      if (!this.#receivers.has(receiver)) throw new Error('device has been closed')
    }
    return {
      sendFeatureReport: (report: Uint8Array) =>
        Promise.resolve().then(() => {
          check()
          this.#asked = report
        }),
      getFeatureReport: () =>
        Promise.resolve().then(() => {
          check()
          return this.#answer(this.#asked)
        }),
      [Symbol.asyncDispose]: () => {
        this.#receivers.delete(receiver)
        return Promise.resolve()
      },
    }
  }

  send(...reports: (Uint8Array | string)[]): void {
    for (const report of reports) {
      const bytes = typeof report === 'string' ? hexBytes(report) : report
      for (const receiver of this.#receivers) receiver.report(bytes)
    }
  }

  /** `text` as the attribute of its input device, whole or not at all as sysfs does it. */
  async inhibit(text: string, input = 'input7'): Promise<void> {
    const folder = join(this.#folder, 'input', input)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, '.new'), `${text}\n`)
    await rename(join(folder, '.new'), join(folder, 'inhibited'))
  }

  /** node-hid says so with a string; `silently` it says nothing. */
  async unplug(how: 'with an error' | 'silently' = 'with an error'): Promise<void> {
    this.#isGone = true
    await this.#leave()
    if (how === 'silently') return
    for (const receiver of [...this.#receivers]) {
      receiver.failed(
        'could not read from HID device: hid_read_timeout: unexpected poll error (device disconnected)',
      )
    }
  }

  /** Reading ends although it stays plugged in. */
  failReading(): void {
    for (const receiver of [...this.#receivers]) receiver.failed('could not read from HID device: EIO')
  }
}

function refuse(): never {
  throw new Error('could not get feature report from device: ioctl (GFEATURE): Broken pipe')
}

export type KeyboardLayout = 'eight' | 'nine' | 'three'

/** What a reader with this layout of reports types for letters, digits and `\n`; `id` is that of its reports. */
export function typed(
  text: string,
  layout: KeyboardLayout = 'eight',
  id = layout === 'nine' ? 2 : 1,
): Uint8Array[] {
  return Array.from(text).flatMap((character) => {
    const usage = usageOf(character.toLowerCase())
    const shift = character === character.toLowerCase() ? 0 : 2
    return [report(layout, id, shift, usage), report(layout, id, 0, 0)]
  })
}

function report(layout: KeyboardLayout, id: number, shift: number, usage: number): Uint8Array {
  const six = [shift, 0, usage, 0, 0, 0, 0, 0]
  if (layout === 'three') return Uint8Array.of(id, shift, usage)
  return Uint8Array.from(layout === 'nine' ? [id, ...six] : six)
}

function usageOf(character: string): number {
  const index = 'abcdefghijklmnopqrstuvwxyz1234567890\n'.indexOf(character)
  if (index === -1) throw new Error(`no key for ${JSON.stringify(character)}`)
  return 0x04 + index
}
