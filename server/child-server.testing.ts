import { type ChildProcess, spawn } from 'node:child_process'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('cli.ts', import.meta.url))

// Halves the time to start. Keyed by content; written by programs that end by themselves.
const compileCache = fileURLToPath(new URL('../var/compile-cache', import.meta.url))

/** The real program as a child process, for tests. */
export interface ChildServer {
  readonly process: ChildProcess
  /** Of the listening server; undefined when it ended before listening. */
  readonly port: number | undefined
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  /** What came so far. */
  stdout(): string
  stderr(): string
}

/** Resolves when the program listens or has ended. */
export async function startServer(args: string[], env: Record<string, string> = {}): Promise<ChildServer> {
  const child = spawn(execPath, [program, ...args], {
    env: { NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (code, signal) => {
      resolve(code ?? signal)
    })
  })
  const listening = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      if (stdout.includes('\n')) resolve()
    })
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  await Promise.race([listening, ended])
  const port = /^vlt-server listening on https?:\/\/\S+:(\d+)\n/.exec(stdout)?.[1]
  return {
    process: child,
    port: port === undefined ? undefined : Number(port),
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
  }
}
