import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

/** A network between client and PostgreSQL that tests can interfere with. */
export interface Wire extends AsyncDisposable {
  /** The database's address, by way of this network. */
  readonly url: string
  /** What becomes of the client's bytes from now on; nothing, unless told. */
  alter(change: (bytes: string) => string): void
  /** What PostgreSQL says is held back from now on; the function lets it go. */
  holdAnswers(): () => void
}

export async function openWire(databaseUrl: string): Promise<Wire> {
  const target = new URL(databaseUrl)
  let change = (bytes: string): string => bytes
  let held: (() => void)[] | undefined
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    client.on('data', (chunk) => upstream.write(Buffer.from(change(chunk.toString('latin1')), 'latin1')))
    upstream.on('data', (chunk) => {
      if (held === undefined) client.write(chunk)
      else held.push(() => client.write(chunk))
    })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => undefined)
      one.on('close', () => other.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    alter(next) {
      change = next
    },
    holdAnswers() {
      held = []
      return () => {
        const answers = held ?? []
        held = undefined
        for (const write of answers) write()
      }
    },
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
