import { createInterface, type Interface } from 'node:readline'
import { AppError } from '../../shared/errors.ts'

/** Questions on a terminal. What is typed or pasted ahead answers the questions that follow. */
export class Prompt implements Disposable {
  readonly #lines: string[] = []
  readonly #interface: Interface
  #isClosed = false
  #wake: () => void = () => undefined

  constructor(input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
    this.#interface = createInterface({ input, output })
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
    this.#interface.setPrompt(question)
    this.#interface.prompt()
    while (this.#lines.length === 0) {
      if (this.#isClosed) throw new AppError('interrupted', 'interrupted; nothing was stored')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#lines.shift() ?? ''
  }

  [Symbol.dispose](): void {
    this.#interface.close()
  }
}
