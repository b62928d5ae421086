import { AppError } from '../shared/errors.ts'

/**
 * Carries what a session says from callbacks to the one `for await` that reads it, in order. Ends after `end`,
 * throws after `fail`, in both cases when everything before has been read.
 *
 * Bounded: a reader nobody listens to fails its session when `limit` events wait, rather than dropping some
 * silently or growing for ever.
 */
export class EventQueue<T> {
  readonly #limit: number
  readonly #waiting: T[] = []
  #closed: { error?: AppError } | undefined
  #wake: () => void = () => undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  push(event: T): void {
    if (this.#closed !== undefined) return
    if (this.#waiting.length < this.#limit) this.#waiting.push(event)
    else this.#close({ error: new AppError('reader-failed', `${String(this.#limit)} events wait unread`) })
    this.#wake()
  }

  end(): void {
    this.#close({})
  }

  fail(error: AppError): void {
    this.#close({ error })
  }

  async *read(): AsyncGenerator<T, void, undefined> {
    while (true) {
      const event = this.#waiting.shift()
      if (event !== undefined) {
        yield event
      } else if (this.#closed === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      } else {
        if (this.#closed.error !== undefined) throw this.#closed.error
        return
      }
    }
  }

  #close(how: { error?: AppError }): void {
    this.#closed ??= how
    this.#wake()
  }
}
