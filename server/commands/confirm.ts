import { createInterface } from 'node:readline/promises'
import { AppError } from '../../shared/errors.ts'
import type { Surroundings } from '../serve.ts'

/**
 * Asks on the terminal before something that cannot be undone. Throws `not-confirmed` at any answer but yes, and where
 * nobody can or may be asked.
 */
export async function confirm(
  question: string,
  { mayAsk, terminal }: { mayAsk: boolean; terminal: Pick<Surroundings, 'stdin' | 'errorStream' | 'stop'> },
): Promise<void> {
  const { stdin: input, errorStream: output, stop: signal } = terminal
  if (!mayAsk || input.isTTY !== true) throw new AppError('not-confirmed', 'this cannot be undone')
  const lines = createInterface({ input, output })
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal })
    if (!/^(y|yes|s|si|sí)$/i.test(answer.trim())) throw new AppError('not-confirmed', 'not confirmed')
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('not-confirmed', 'interrupted', { cause })
  } finally {
    lines.close()
  }
}
