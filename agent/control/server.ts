import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { z } from 'zod'
import { AppError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { maxSocketPathBytes, type Call, type Reply } from './protocol.ts'

export interface CallContext {
  /** Aborts when the caller hangs up or the agent stops. */
  signal: AbortSignal
  emit: (event: unknown) => void
}

/** One method of the control socket; `params` come unchecked from the wire. */
export type Handler = (params: unknown, context: CallContext) => unknown
export type Handlers = Record<string, Handler>

/** Longest call, in characters; a client's data has about a thousand. */
const maxCallLength = 1024 * 1024

/** Events that may wait for a caller to read them. */
const maxUnreadBytes = 1024 * 1024

/** How long calls in flight may take to end once the agent stops. */
const farewellMs = 1_000

/** Listens on the control socket. Opens after the outbox, whose lock makes sure that no other agent listens there. */
export async function openControlServer(
  path: string,
  handlers: Handlers,
  log: Log,
): Promise<AsyncDisposable> {
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new AppError('data-folder-unusable', `the path of the control socket is too long: ${path}`)
  }
  const stopping = new AbortController()
  const connections = new Set<Socket>()
  const calls = new Set<Promise<void>>()
  const server = createServer((socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    const call = serve(socket, handlers, stopping.signal, log).finally(() => calls.delete(call))
    calls.add(call)
  })
  rmSync(path, { force: true })
  await listen(server, path)
  chmodSync(path, 0o600)
  return {
    async [Symbol.asyncDispose]() {
      const closed = promisify(server.close.bind(server))()
      // Whoever waits is told how things stand: a registration that is saved must not look lost.
      stopping.abort()
      await Promise.race([Promise.all(calls), delay(farewellMs, undefined, { ref: false })])
      for (const socket of connections) socket.destroySoon()
      await closed
    },
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new AppError('data-folder-unusable', `cannot listen on ${path}`, { cause }))
    })
    server.listen(path, resolve)
  })
}

async function serve(socket: Socket, handlers: Handlers, stopping: AbortSignal, log: Log): Promise<void> {
  const over = new AbortController()
  const end = (): void => {
    over.abort()
  }
  socket.once('close', end)
  // A caller that hangs up needs no answer; 'close' follows.
  socket.on('error', end)
  stopping.addEventListener('abort', end, { once: true })
  const reply = (line: Reply): void => {
    if (socket.writable) socket.write(`${JSON.stringify(line)}\n`)
  }
  const emit = (event: unknown): void => {
    // A caller that has stopped reading is let go: what a reader says has no end.
    if (socket.writableLength > maxUnreadBytes) socket.destroy()
    else reply({ event })
  }
  const line = await firstLine(socket)
  if (line !== undefined) reply(await answer(line, handlers, { signal: over.signal, emit }, log))
  stopping.removeEventListener('abort', end)
  socket.end()
}

/** Keeps reading afterwards, and drops what comes: only so is it noticed that the caller has hung up. */
function firstLine(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = ''
    let isRead = false
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      if (isRead) return
      text += chunk
      const end = text.indexOf('\n')
      if (end < 0 && text.length < maxCallLength) return
      isRead = true
      resolve(text.slice(0, Math.max(end, 0)))
      text = ''
    })
    socket.once('close', () => {
      resolve(undefined)
    })
  })
}

async function answer(line: string, handlers: Handlers, context: CallContext, log: Log): Promise<Reply> {
  try {
    const { method, params } = readCall(line)
    const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined
    if (handler === undefined) throw new AppError('usage', `the agent has no method ${method}`)
    return { result: (await handler(params, context)) ?? null }
  } catch (error) {
    if (error instanceof AppError) {
      return { error: { code: error.code, message: error.message, fields: error.fields } }
    }
    log.error({ err: error }, 'a control call failed')
    return { error: { code: 'bug', message: 'the agent failed on this call; see its log', fields: [] } }
  }
}

const callSchema = z.object({ method: z.string(), params: z.unknown() })

/** The text of a parse error quotes what it could not parse, which may be personal: it goes nowhere. */
function readCall(line: string): Call {
  try {
    return callSchema.parse(JSON.parse(line))
  } catch {
    throw new AppError('usage', 'a call is one line of JSON with method and params')
  }
}
