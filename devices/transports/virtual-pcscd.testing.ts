import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, getuid } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { fromHex, toHex } from '../codecs/bytes.ts'

/** In a namespace of its own, so that its /run/pcscd is not that of the machine. */
const script =
  'mount -t tmpfs tmpfs /run && exec systemd-socket-activate --listen "$0" pcscd --foreground --critical --config "$1"'

/**
 * A real pcscd with a virtual reader of two slots (vpcd), for tests. It listens on a socket of its own, which it is
 * handed as systemd does, and takes its readers from a folder of its own.
 */
export class VirtualPcscd implements AsyncDisposable {
  readonly socket: string
  readonly #folder: string
  readonly #port: number
  readonly #readerName: string
  readonly #tty: string | undefined
  #process: ChildProcess | undefined
  #exited: Promise<unknown> = Promise.resolve()

  private constructor(folder: string, port: number, readerName: string, tty: string | undefined) {
    this.#folder = folder
    this.#port = port
    this.#readerName = readerName
    this.#tty = tty
    this.socket = join(folder, 'pcscd.comm')
  }

  /**
   * Started, with both slots empty: `<readerName> 00 00` and `<readerName> 00 01`. With `tty` it has a GemPC Twin
   * there instead, which has one.
   */
  static async create(readerName = 'Virtual PCD', tty?: string): Promise<VirtualPcscd> {
    const folder = await mkdtemp(join(tmpdir(), 'vlt-pcscd-'))
    const daemon = new VirtualPcscd(folder, await freePort(), readerName, tty)
    await mkdir(join(folder, 'readers'))
    await daemon.plugIn()
    await daemon.start()
    return daemon
  }

  async start(): Promise<void> {
    await rm(this.socket, { force: true })
    const namespace = getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount']
    const command = ['sh', '-c', script, this.socket, join(this.#folder, 'readers')]
    this.#process = spawn('unshare', [...namespace, ...command], {
      stdio: 'ignore',
      env: { ...env, PATH: `${env['PATH'] ?? ''}:/usr/sbin:/sbin` },
    })
    this.#exited = once(this.#process, 'exit')
    while ((await stat(this.socket).catch(() => undefined)) === undefined) await delay(5)
  }

  /** SIGKILL. The socket stays behind, and nobody listens on it. */
  async kill(): Promise<void> {
    this.#process?.kill('SIGKILL')
    await this.#exited
  }

  /** The daemon stands still, and goes on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name)
  }

  /** From the next start on the daemon has the reader. */
  async plugIn(): Promise<void> {
    const port = `0x${this.#port.toString(16)}`
    const device = this.#tty === undefined ? `/dev/null:${port}` : `${this.#tty}:GemPCTwin`
    const library = this.#tty === undefined ? 'libifdvpcd.so' : 'libccidtwin.so'
    const lines = [
      `FRIENDLYNAME "${this.#readerName}"`,
      `DEVICENAME ${device}`,
      `LIBPATH /usr/lib/pcsc/drivers/serial/${library}`,
      `CHANNELID ${port}`,
    ]
    await writeFile(this.#config, `${lines.join('\n')}\n`)
  }

  /** From the next start on the daemon has no reader. */
  async pullOut(): Promise<void> {
    await rm(this.#config)
  }

  /** A card on the reader. Resolves when the reader takes part in it; it is seen at the next look of the daemon. */
  insert(card: CardScript, slot = 0): Promise<VirtualCard> {
    return VirtualCard.insert(this.#port + slot, card)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }

  get #config(): string {
    return join(this.#folder, 'readers', 'vpcd')
  }
}

export const atrs = {
  classic: '3B8F8001804F0CA000000306030001000000006A',
  desfire: '3B8180018080',
  phone: '3B80800101',
  sim: '3B9F96801FC78031E073FE211B63004C45474943414C0D',
}

export interface CardScript {
  atr: string
  /** What the card answers to a command, as hex; undefined: it is pulled away in that moment. */
  answer: (command: string) => string | undefined
}

/** A card that answers the question for its UID, and refuses everything else. */
export function cardOf(uid: string, atr: string = atrs.classic): CardScript {
  return { atr, answer: (command) => (command === 'FFCA000000' ? `${uid}9000` : '6D00') }
}

/** vpcd's protocol: two bytes of length, then one byte that commands the card, or more that go to it. */
export class VirtualCard {
  /** Commands the card was given, as hex. */
  readonly commands: string[] = []
  readonly #socket: Socket
  readonly #card: CardScript
  #unread: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket, card: CardScript) {
    this.#socket = socket
    this.#card = card
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      this.#take(bytes)
    })
  }

  static async insert(port: number, card: CardScript): Promise<VirtualCard> {
    for (;;) {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true })
      try {
        await once(socket, 'connect')
        return new VirtualCard(socket, card)
      } catch {
        // The daemon is still starting.
        await delay(20)
      }
    }
  }

  async remove(): Promise<void> {
    if (this.#socket.closed) return
    this.#socket.destroy()
    await once(this.#socket, 'close')
  }

  #take(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes])
    while (this.#unread.length >= 2 && this.#unread.length >= 2 + this.#unread.readUInt16BE(0)) {
      const end = 2 + this.#unread.readUInt16BE(0)
      const message = this.#unread.subarray(2, end)
      this.#unread = this.#unread.subarray(end)
      if (message.length > 1) this.#give(toHex(message))
      else if (message[0] === 0x04) this.#send(this.#card.atr)
    }
  }

  #give(command: string): void {
    this.commands.push(command)
    const answer = this.#card.answer(command)
    if (answer === undefined) this.#socket.destroy()
    else this.#send(answer)
  }

  #send(hex: string): void {
    const payload = fromHex(hex) ?? new Uint8Array()
    this.#socket.write(Uint8Array.of(payload.length >> 8, payload.length & 0xff, ...payload))
  }
}

/** Two that follow each other, one for each slot. */
async function freePort(): Promise<number> {
  for (;;) {
    const first = await listen(0)
    const second = await listen(first.port + 1).catch(() => undefined)
    await Promise.all([first.close(), second?.close()])
    if (second !== undefined) return first.port
  }
}

async function listen(port: number): Promise<{ port: number; close: () => Promise<unknown> }> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = (): Promise<unknown> => {
    server.close()
    return once(server, 'close')
  }
  return { port: (server.address() as AddressInfo).port, close }
}
