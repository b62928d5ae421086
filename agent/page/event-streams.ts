import type { FastifyReply, FastifyRequest } from 'fastify'

const maxUnreadBytes = 64 * 1024

/** Server-sent events: the same value to everybody who listens, after every change and every `everyMs`. */
export class EventStreams implements Disposable {
  readonly #streams = new Set<FastifyReply>()
  readonly #value: () => unknown
  readonly #pinging: NodeJS.Timeout

  constructor(value: () => unknown, everyMs: number) {
    this.#value = value
    // A page that hears nothing for a while knows that we hang, and says so.
    this.#pinging = setInterval(() => {
      this.push()
    }, everyMs)
  }

  add(request: FastifyRequest, reply: FastifyReply): void {
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value)
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.write(this.#event())
    this.#streams.add(reply)
    request.raw.once('close', () => this.#streams.delete(reply))
  }

  push(): void {
    if (this.#streams.size === 0) return
    const text = this.#event()
    for (const { raw } of this.#streams) {
      // A browser that has stopped reading is let go; one that lives connects again by itself.
      if (raw.writableLength > maxUnreadBytes) raw.destroy()
      else raw.write(text)
    }
  }

  /** Lets everybody go. */
  end(): void {
    for (const { raw } of this.#streams) raw.end()
    this.#streams.clear()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#pinging)
    this.end()
  }

  #event(): string {
    return `data: ${JSON.stringify(this.#value())}\n\n`
  }
}
