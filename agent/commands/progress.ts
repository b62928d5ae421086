import type { Terminal } from './context.ts'

const barWidth = 30

/** A bar on a terminal, nothing elsewhere. Drawn at most once for each percent. */
export class Progress implements Disposable {
  readonly #stream: NodeJS.WritableStream | undefined
  readonly #all: number
  #shown = -1

  constructor({ errorStream }: Terminal, all: number) {
    const isTerminal = (errorStream as { isTTY?: boolean }).isTTY === true
    this.#stream = isTerminal && all > 0 ? errorStream : undefined
    this.#all = all
  }

  at(done: number): void {
    const percent = Math.floor((100 * done) / this.#all)
    if (percent === this.#shown) return
    this.#shown = percent
    const bar = '#'.repeat(Math.round((barWidth * percent) / 100)).padEnd(barWidth, '.')
    this.#stream?.write(`\r[${bar}] ${String(percent).padStart(3)} %  ${String(done)}/${String(this.#all)}`)
  }

  [Symbol.dispose](): void {
    if (this.#shown >= 0) this.#stream?.write('\n')
  }
}
