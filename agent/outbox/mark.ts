import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { schemaVersion } from './schema.ts'

/**
 * How far the outbox had come, in a file beside it: `v<schema version> <epoch> <highest sequence number>`. Its being there says that the
 * outbox was born. Written soon after an accept, and never waited for: it may be behind the outbox, but an outbox behind its
 * mark has lost registrations, and by this it is told how many.
 */
export interface Mark {
  version: number
  epoch: string
  highestSeq: number
}

const pattern = /^v(\d+) ([0-9a-f-]{36}) (\d{16})\n$/
const head = (epoch: string): string => `v${String(schemaVersion)} ${epoch} `

export function markPath(outboxPath: string): string {
  return `${outboxPath}-mark`
}

/** Undefined where there is none, or none that can be read. */
export function readMark(outboxPath: string): Mark | undefined {
  const path = markPath(outboxPath)
  const text = existsSync(path) ? readFileSync(path, 'latin1') : ''
  const [, version, epoch, seq] = pattern.exec(text) ?? []
  return epoch === undefined ? undefined : { version: Number(version), epoch, highestSeq: Number(seq) }
}

export class MarkFile implements Disposable {
  readonly #descriptor: number
  readonly #line: Buffer
  /** Where in it the number stands. */
  readonly #at: number
  #highestSeq = 0
  #due: NodeJS.Immediate | undefined

  constructor(outboxPath: string, epoch: string) {
    this.#descriptor = openSync(markPath(outboxPath), existsSync(markPath(outboxPath)) ? 'r+' : 'w+', 0o600)
    this.#line = Buffer.from(`${head(epoch)}${'0'.repeat(16)}\n`)
    this.#at = head(epoch).length
  }

  /** On the disk when this returns; for the birth of an outbox. */
  settle(highestSeq: number): void {
    this.#highestSeq = highestSeq
    this.#write()
    fsyncSync(this.#descriptor)
  }

  /** Written once whoever taps has been answered. */
  advance(highestSeq: number): void {
    this.#highestSeq = highestSeq
    this.#due ??= setImmediate(() => {
      this.#due = undefined
      this.#write()
    })
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#due)
    this.#write()
    closeSync(this.#descriptor)
  }

  #write(): void {
    this.#line.write(String(this.#highestSeq).padStart(16, '0'), this.#at, 'latin1')
    try {
      writeSync(this.#descriptor, this.#line, 0, this.#line.length, 0)
    } catch {
      // What was accepted is safe; the mark only tells of damage, and is right again with the next accept.
    }
  }
}
