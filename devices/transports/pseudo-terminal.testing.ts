import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { mkdtemp, open, rm, stat, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * A serial line made by socat, for tests: a reader opens `path`, the test writes to the other end. Ending socat is
 * an unplug (the kernel hangs the line up), starting it again under the same names a replug.
 */
export class PseudoTerminal implements AsyncDisposable {
  readonly path: string
  /** Where the device writes. */
  readonly farPath: string
  readonly #folder: string
  #socat: ChildProcess | undefined
  #exited: Promise<unknown> = Promise.resolve()
  #held: FileHandle[] = []

  private constructor(folder: string) {
    this.#folder = folder
    this.path = join(folder, 'reader')
    this.farPath = join(folder, 'device')
  }

  static async create(): Promise<PseudoTerminal> {
    const line = new PseudoTerminal(await mkdtemp(join(tmpdir(), 'vlt-pty-')))
    await line.replug()
    return line
  }

  async write(bytes: string | Uint8Array): Promise<void> {
    await this.#held[0]?.write(Buffer.from(bytes))
  }

  async unplug(): Promise<void> {
    // SIGTERM now and then leaves socat hanging in its own signal handler, and the links are ours to remove.
    this.#socat?.kill('SIGKILL')
    await this.#exited
    const held = this.#held
    this.#held = []
    await Promise.all(held.map((file) => file.close()))
    await Promise.all([this.path, this.farPath].map((path) => rm(path, { force: true })))
  }

  /** Unplugs before it returns, so that the event loop sees nothing of it until afterwards. */
  unplugWithoutYielding(): void {
    this.#socat?.kill('SIGKILL')
    // The kernel tears a killed process down by itself; there is no event to wait for without yielding.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }

  /** The line stays, and nothing comes through it. */
  stall(): void {
    this.#socat?.kill('SIGSTOP')
  }

  flow(): void {
    this.#socat?.kill('SIGCONT')
  }

  async replug(): Promise<void> {
    const ends = [this.farPath, this.path].map((path) => `pty,raw,echo=0,link=${path}`)
    this.#socat = spawn('socat', ends, { stdio: 'ignore' })
    this.#exited = once(this.#socat, 'exit')
    // Both ends stay open in the test as well: socat ends when the last one to have an end open closes it.
    for (const path of [this.farPath, this.path]) {
      while ((await stat(path).catch(() => undefined)) === undefined) await delay(5)
      this.#held.push(await open(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unplug()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
