import { closeSync, existsSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { nativeCode, AppError } from '../../../shared/errors.ts'
import { objectOf, type ListRecord, type OpenList } from './records.ts'
import { problemColumn } from './rows.ts'

/**
 * The rows of a list that were not taken, beside it and in its form, each with what is wrong with it; for this user
 * alone. A file that is there already is never written over: somebody may be correcting it.
 */
export class Rejects implements Disposable {
  readonly #list: string
  readonly #header: string[] | undefined
  readonly #delimiter: string
  readonly #problemAt: number
  readonly #draft: string
  #descriptor: number | undefined

  constructor(path: string, { header, delimiter }: OpenList) {
    this.#list = path
    this.#header = header?.filter((name) => name.toLowerCase() !== problemColumn)
    this.#delimiter = delimiter
    this.#problemAt = header?.findIndex((name) => name.toLowerCase() === problemColumn) ?? -1
    this.#draft = `${path}.rechazados.part`
  }

  /** Throws `disk-full` or `input-unreadable` where the folder takes no file. */
  add({ raw }: ListRecord, problem: string): void {
    if (typeof raw === 'string') {
      this.#write(JSON.stringify({ ...(objectOf(raw) ?? { texto: raw }), [problemColumn]: problem }))
      return
    }
    if (this.#descriptor === undefined) this.#write(this.#csv([...(this.#header ?? []), problemColumn]))
    const cells = raw.filter((_cell, place) => place !== this.#problemAt)
    const lacking = Math.max(0, (this.#header?.length ?? 0) - cells.length)
    this.#write(this.#csv([...cells, ...Array<string>(lacking).fill(''), problem]))
  }

  /** Puts the file in its place and answers where that is; undefined where nothing was rejected. */
  keep(): string | undefined {
    if (this.#descriptor === undefined) return undefined
    closeSync(this.#descriptor)
    this.#descriptor = undefined
    const [, stem = this.#list, end = ''] = /^(.*?)(?:\.rechazados(?:-\d+)?)?(\.\w+)$/.exec(this.#list) ?? []
    for (let number = 1; ; number++) {
      const path = `${stem}.rechazados${number === 1 ? '' : `-${String(number)}`}${end}`
      // The same again, as after an interruption, needs no second file.
      if (existsSync(path) && !isSame(path, this.#draft)) continue
      renameSync(this.#draft, path)
      return path
    }
  }

  [Symbol.dispose](): void {
    if (this.#descriptor === undefined) return
    closeSync(this.#descriptor)
    rmSync(this.#draft, { force: true })
  }

  #write(line: string): void {
    try {
      this.#descriptor ??= openSync(this.#draft, 'w', 0o600)
      writeSync(this.#descriptor, `${line}\n`)
    } catch (cause) {
      const code = nativeCode(cause) === 'ENOSPC' ? 'disk-full' : 'input-unreadable'
      throw new AppError(code, `cannot write ${this.#draft}`, { cause })
    }
  }

  #csv(cells: string[]): string {
    return cells
      .map((cell) => (/[";,\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
      .join(this.#delimiter)
  }
}

/** Whether two files hold the same; piece by piece, since a list may be long. */
function isSame(path: string, other: string): boolean {
  if (statSync(path).size !== statSync(other).size) return false
  const files = [openSync(path, 'r'), openSync(other, 'r')]
  try {
    for (;;) {
      const [one, two] = files.map((file) => {
        const piece = Buffer.alloc(64 * 1024)
        return piece.subarray(0, readSync(file, piece))
      })
      if (one === undefined || two?.equals(one) !== true) return false
      if (one.length === 0) return true
    }
  } finally {
    for (const file of files) closeSync(file)
  }
}
