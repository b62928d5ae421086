import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { hostAddress, type Machine } from './machine.ts'
import { runTypescript } from './product.ts'

/** A program of ours in the machine, with its standard input and output in our hand. */
export interface GuestProgram extends AsyncDisposable {
  /** Rejects with what it said when it ends before it should. */
  readonly failed: Promise<never>
  write(line: string): void
}

/**
 * Runs a TypeScript file of the checkout in the machine as root; it has to end when its standard input does, and not
 * before. `onLine` gets what it prints.
 */
export async function startGuestProgram(
  machine: Machine,
  command: string,
  onLine: (line: string) => void,
): Promise<GuestProgram> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connected = once(server, 'connection') as Promise<[Socket]>
  const ended = machine.run(`socat -t 10 TCP:${hostAddress}:${String(port)} EXEC:'${runTypescript(command)}'`)
  const failed = ended.then(({ output }) => {
    throw new Error(`${command} ended: ${output}`)
  })
  failed.catch(() => undefined)
  const socket = await Promise.race([connected.then(([first]) => first), failed])
  server.close()
  socket.on('error', () => undefined)
  createInterface({ input: socket }).on('line', onLine)
  return {
    failed,
    write: (line) => void socket.write(`${line}\n`),
    async [Symbol.asyncDispose]() {
      socket.end()
      await ended
    },
  }
}
