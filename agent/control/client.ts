import { createConnection } from 'node:net'
import { AppError, isErrorCode, nativeCode } from '../../shared/errors.ts'
import { readLines } from './lines.ts'
import type { Reply } from './protocol.ts'

export interface CallOptions {
  onEvent?: (event: unknown) => void
  /** Aborting hangs up, which cancels the call. */
  signal?: AbortSignal
  /** How long the answer may take; a call that waits for a person has no limit. */
  timeoutMs?: number | undefined
}

/**
 * Calls a method of the running agent. Resolves with its result; throws `agent-unreachable` when none answers on that
 * socket (in time), `interrupted` when aborted, else the agent's own error.
 */
export async function call(
  path: string,
  method: string,
  params: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<unknown> {
  const socket = createConnection({ path })
  const hangUp = (): void => {
    socket.destroy()
  }
  options.signal?.addEventListener('abort', hangUp, { once: true })
  if (options.signal?.aborted === true) hangUp()
  const late = new AbortController()
  const timer = setTimeout(
    () => {
      late.abort()
      hangUp()
    },
    options.timeoutMs ?? 2 ** 31 - 1,
  )
  try {
    await connected(socket, path)
    socket.write(`${JSON.stringify({ method, params })}\n`)
    for await (const line of readLines(socket)) {
      const reply = JSON.parse(line) as Reply
      if ('event' in reply) options.onEvent?.(reply.event)
      else if ('result' in reply) return reply.result
      else {
        const { code, message, fields } = reply.error
        if (isErrorCode(code)) throw new AppError(code, message, { fields })
        throw new Error(message)
      }
    }
    throw new AppError('agent-stopping', 'the agent hung up before it answered')
  } catch (error) {
    if (options.signal?.aborted === true) throw new AppError('interrupted', 'interrupted', { cause: error })
    if (late.signal.aborted) throw new AppError('agent-unreachable', `the agent on ${path} does not answer`)
    throw error
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', hangUp)
    hangUp()
  }
}

function connected(socket: ReturnType<typeof createConnection>, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown): void => {
      const code = nativeCode(cause) === 'EACCES' ? 'permission-denied' : 'agent-unreachable'
      reject(new AppError(code, `no agent answers on ${path}`, { cause }))
    }
    socket.once('connect', resolve)
    socket.once('error', fail)
    socket.once('close', () => {
      fail()
    })
  })
}
