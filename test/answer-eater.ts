import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** HTTP on loopback that passes requests on, and loses answers to order: the request arrives, its answer does not. */
export class AnswerEater implements AsyncDisposable {
  /** Paths whose next answer is lost; each once. */
  readonly eat = new Set<string>()
  readonly #server

  constructor(target: string) {
    this.#server = createServer((request, response) => {
      void (async () => {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk as Buffer)
        const headers = new Headers()
        for (const [name, value] of Object.entries(request.headers)) {
          if (typeof value === 'string' && !/^(host|connection|content-length)$/.test(name))
            headers.set(name, value)
        }
        const method = request.method ?? 'GET'
        const path = request.url ?? '/'
        const body = method === 'GET' ? null : Buffer.concat(chunks)
        const answer = await fetch(`${target}${path}`, { method, headers, body })
        const text = await answer.text()
        if (this.eat.delete(path)) request.socket.destroy()
        else response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(text)
      })()
    })
  }

  static async open(target: string): Promise<AnswerEater> {
    const eater = new AnswerEater(target)
    await new Promise<void>((resolve) => eater.#server.listen(0, '127.0.0.1', resolve))
    return eater
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
