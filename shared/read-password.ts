import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { Writable } from 'node:stream'
import { AppError, nativeCode } from './errors.ts'

/** The terminal a command was started on, or what stands in its place. */
export interface Terminal {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  errorStream: NodeJS.WritableStream
  /** Ends the question. */
  stop: AbortSignal
}

/**
 * A new password: from a file, or `-` for standard input, with its one line end taken off; else asked for twice,
 * without echo.
 *
 * Throws `password-missing` where nobody can be asked, `password-unreadable`, `input-invalid` for two different
 * answers, `interrupted`.
 */
export async function readPassword(
  file: string | undefined,
  terminal: Terminal,
  what = 'Password',
): Promise<string> {
  if (file !== undefined) return firstLine(file === '-' ? await text(terminal.stdin) : readText(file), file)
  if (terminal.stdin.isTTY !== true) throw new AppError('password-missing', 'no password was given')
  const [password, again] = await askTwice(terminal, what)
  if (password !== again) throw new AppError('input-invalid', 'the two answers differ')
  return password
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const message = `cannot read ${file} (${nativeCode(cause) ?? 'unknown error'})`
    throw new AppError('password-unreadable', message, { cause })
  }
}

function firstLine(content: string, file: string): string {
  const line = content.replace(/\r?\n$/, '')
  if (/[\r\n]/.test(line)) throw new AppError('password-unreadable', `${file} holds more than one line`)
  return line
}

async function askTwice({ stdin, errorStream, stop }: Terminal, what: string): Promise<[string, string]> {
  const silence = new Writable({
    write: (_chunk, _encoding, done) => {
      done()
    },
  })
  const lines = createInterface({
    input: stdin,
    output: silence,
    terminal: true,
    historySize: 0,
    signal: stop,
  })
  // What is pasted ahead answers the second question.
  const answers = lines[Symbol.asyncIterator]()
  const ask = async (question: string): Promise<string> => {
    errorStream.write(question)
    const answer = await answers.next()
    errorStream.write('\n')
    if (answer.done === true) throw new AppError('interrupted', 'interrupted; nothing was stored')
    return answer.value
  }
  try {
    return [await ask(`${what}: `), await ask(`${what} again: `)]
  } finally {
    lines.close()
  }
}
