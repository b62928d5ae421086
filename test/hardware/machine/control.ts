import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

export interface CommandResult {
  code: number
  /** Standard output and error, as they came. */
  output: string
}

/** The machine's second serial port, on which init.sh takes commands. */
export interface Control extends Disposable {
  readonly ready: Promise<void>
  /** Runs a shell command line as root in the machine. Rejects when the machine ends before it answers. */
  run(command: string): Promise<CommandResult>
}

export function openControl(path: string): Control {
  const socket = connect(path)
  const ready = Promise.withResolvers<undefined>()
  const waiting = new Map<string, PromiseWithResolvers<CommandResult>>()
  let next = 1

  createInterface({ input: socket }).on('line', (line) => {
    if (line === 'ready') ready.resolve(undefined)
    const [id = '', code, output = ''] = line.split(' ')
    waiting.get(id)?.resolve({ code: Number(code), output: Buffer.from(output, 'base64').toString('utf8') })
    waiting.delete(id)
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    const gone = new Error('the machine is gone')
    ready.reject(gone)
    for (const answer of waiting.values()) answer.reject(gone)
  })
  ready.promise.catch(() => undefined)

  return {
    ready: ready.promise,
    run(command) {
      if (command.includes('\n')) throw new Error('a command is one line')
      if (socket.destroyed) return Promise.reject(new Error('the machine is gone'))
      const id = String(next++)
      const answer = Promise.withResolvers<CommandResult>()
      waiting.set(id, answer)
      socket.write(`${id} ${command}\n`)
      return answer.promise
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

/** Connects to a socket that another program is about to make. */
export async function connectWhenThere(path: string, attempts = 200): Promise<Socket> {
  for (let attempt = 1; ; attempt += 1) {
    const socket = connect(path)
    const failed = await new Promise<Error | undefined>((resolve) => {
      socket.once('connect', () => {
        resolve(undefined)
      })
      socket.once('error', resolve)
    })
    if (failed === undefined) return socket
    if (attempt === attempts) throw failed
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
