import { createConnection } from 'node:net'
import { AppError, isErrorCode, nativeCode } from '../../shared/errors.ts'
import { readLines } from './lines.ts'
import type { Reply } from './protocol.ts'

/**
 * Calls a method of the running agent. Resolves with its result; throws `agent-unreachable` when none runs on that
 * socket, else the agent's own error. Aborting hangs up, which cancels the call.
 */
export async function call(
  path: string,
  method: string,
  params: Record<string, unknown> = {},
  options: { onEvent?: (event: unknown) => void; signal?: AbortSignal } = {},
): Promise<unknown> {
  const socket = createConnection({ path })
  const hangUp = (): void => {
    socket.destroy()
  }
  options.signal?.addEventListener('abort', hangUp, { once: true })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', (cause) => {
        const denied = nativeCode(cause) === 'EACCES'
        reject(
          new AppError(denied ? 'permission-denied' : 'agent-unreachable', `no agent answers on ${path}`, {
            cause,
          }),
        )
      })
    })
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
  } finally {
    options.signal?.removeEventListener('abort', hangUp)
    hangUp()
  }
}
