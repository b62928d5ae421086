import type { Socket } from 'node:net'

/** The lines that arrive, until the other side ends, or either side breaks the connection off. */
export async function* readLines(socket: Socket): AsyncGenerator<string> {
  let rest = ''
  try {
    for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      yield* parts
    }
  } catch {
    // Destroyed or reset: to whoever reads it is the end, like any other.
  }
}
