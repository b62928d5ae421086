import { createInterface } from 'node:readline'
import { AppError } from '../../shared/errors.ts'
import type { Terminal } from '../../shared/read-password.ts'

/**
 * Asks on the terminal before something that cannot be undone. Throws `not-confirmed` at anything but a yes, and where
 * nobody can or may be asked.
 */
export async function confirm(
  question: string,
  { mayAsk, terminal }: { mayAsk: boolean; terminal: Terminal },
): Promise<void> {
  const { stdin: input, errorStream: output, stop: signal } = terminal
  if (!mayAsk || input.isTTY !== true) throw new AppError('not-confirmed', 'this cannot be undone')
  const lines = createInterface({ input, output, signal })
  lines.setPrompt(`${question} [y/N] `)
  lines.prompt()
  const answer = await lines[Symbol.asyncIterator]().next()
  lines.close()
  if (answer.done !== true && /^(y|yes|s|si|sí)$/i.test(answer.value.trim())) return
  throw new AppError('not-confirmed', 'not confirmed')
}
