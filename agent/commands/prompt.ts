import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import { AppError } from '../../shared/errors.ts'

/** Questions on a terminal. What is typed or pasted ahead answers the questions that follow. */
export class Prompt implements Disposable {
  readonly #lines: string[] = []
  readonly #interface: Interface
  readonly #output: NodeJS.WritableStream
  #isHidden = false
  #isClosed = false
  #wake: () => void = () => undefined

  constructor(input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
    this.#output = output
    const isTerminal = (output as { isTTY?: boolean }).isTTY === true
    this.#interface = createInterface({
      input,
      output: this.#echo(output),
      terminal: isTerminal,
      // What one person was asked is not offered to the next by the arrow keys.
      historySize: 0,
    })
    this.#interface.on('line', (line) => {
      this.#lines.push(line)
      this.#wake()
    })
    this.#interface.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  /** The line that answers. Throws `interrupted` at Ctrl-C, Ctrl-D or the end of the input. */
  async ask(question: string): Promise<string> {
    // Only the last line is the prompt: readline draws it again at every key.
    const lines = question.split('\n')
    this.#interface.setPrompt(lines.pop() ?? '')
    for (const line of lines) this.#output.write(`${line}\n`)
    this.#interface.prompt()
    return this.#answer()
  }

  /** The same without showing what is typed. */
  async askHidden(question: string): Promise<string> {
    this.#output.write(question)
    this.#isHidden = true
    try {
      return await this.#answer()
    } finally {
      this.#isHidden = false
      this.#output.write('\n')
    }
  }

  [Symbol.dispose](): void {
    this.#interface.close()
  }

  async #answer(): Promise<string> {
    while (this.#lines.length === 0) {
      if (this.#isClosed) {
        // What follows begins on a line of its own.
        if (!this.#isHidden) this.#output.write('\n')
        throw new AppError('interrupted', 'interrupted; nothing was stored')
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#lines.shift() ?? ''
  }

  #echo(output: NodeJS.WritableStream): NodeJS.WritableStream {
    const echo = new Writable({
      write: (chunk: Uint8Array, _encoding, done) => {
        if (!this.#isHidden) output.write(chunk)
        done()
      },
    })
    // How wide the terminal is, for long answers.
    Object.defineProperty(echo, 'columns', { get: () => (output as { columns?: number }).columns })
    return echo
  }
}
