import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../shared/clock.ts'
import { AppError } from '../shared/errors.ts'

/** A program that has a device open. */
export interface PortHolder {
  name: string
  /** Absent where it is only known that the program runs, and does such things. */
  pid?: number
}

/** Daemons that open new serial ports by themselves, by the name the kernel has of them. */
const suspects = ['ModemManager', 'brltty']

/**
 * Finds out who has the device open. An ordinary user cannot look into the programs of others: then one that is
 * known for it and runs is named. Answers undefined where nothing can be said; never throws.
 */
export async function findPortHolder(path: string, proc = '/proc'): Promise<PortHolder | undefined> {
  const device = await realpath(path).catch(() => undefined)
  if (device === undefined) return undefined
  const pids = (await list(proc)).filter((name) => /^\d+$/.test(name))
  let suspect: PortHolder | undefined
  for (const pid of pids) {
    const files = await list(join(proc, pid, 'fd'))
    const open = await Promise.all(files.map((file) => readlink(join(proc, pid, 'fd', file)).catch(() => '')))
    const isHolder = open.includes(device)
    if (!isHolder && suspect !== undefined) continue
    const name = await nameOf(join(proc, pid))
    if (isHolder) return { name, pid: Number(pid) }
    if (suspects.includes(name)) suspect = { name }
  }
  return suspect
}

/** How often it is looked who holds a port, in milliseconds: it means looking into every program that runs. */
const lookEveryMs = 30_000

/** Who holds the port of one reader, for as long as it stays busy. */
export class HolderLook {
  readonly #path: string
  readonly #clock: Clock
  #last: { found: PortHolder | undefined; atMonoMs: number } | undefined

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /** Undefined too where the failure is not that somebody holds the port. */
  async of(failure: unknown): Promise<PortHolder | undefined> {
    if (!(failure instanceof AppError && failure.code === 'reader-busy')) {
      this.forget()
      return undefined
    }
    const now = this.#clock.monoMs()
    if (this.#last === undefined || now - this.#last.atMonoMs >= lookEveryMs) {
      this.#last = { found: await findPortHolder(this.#path), atMonoMs: now }
    }
    return this.#last.found
  }

  /** The port was free, or something else was wrong: who holds it next may be another. */
  forget(): void {
    this.#last = undefined
  }
}

/** What a person does about it. */
export function holderHint({ name, pid }: PortHolder): string {
  const who = pid === undefined ? `${name} runs here and most likely` : `${name} (process ${String(pid)})`
  return `${who} has the reader open: ${remedies[name] ?? 'end that program, or give each reader to one program only.'}`
}

const remedies: Record<string, string> = {
  ModemManager: 'install systemd/60-vlt-readers.rules, which keep it off, then plug the reader in again.',
  brltty: 'remove it (apt-get remove brltty), then plug the reader in again.',
}

/** Node gives its main thread, by which the kernel knows a program, a name that says nothing. */
async function nameOf(program: string): Promise<string> {
  const name = (await readFile(join(program, 'comm'), 'utf8').catch(() => '')).trim()
  if (name !== 'MainThread') return name === '' ? 'a program' : name
  const command = (await readFile(join(program, 'cmdline'), 'utf8').catch(() => '')).split('\0')
  return command.some((argument) => /\bagent\/cli\.[jt]s$/.test(argument)) ? 'another vlt-agent' : 'node'
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}
