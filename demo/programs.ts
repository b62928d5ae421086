/** Starts the real programs as child processes: for `npm start`, the demo and the tests that span both. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type ProgramName = 'agent' | 'server'

/** From the sources, or with `PROGRAMS_FROM=dist` as a lobby machine has them, compiled by `npm run build`. */
function entryOf(name: ProgramName): string {
  const compiled = process.env['PROGRAMS_FROM'] === 'dist'
  const path = compiled ? `../dist/${name}/cli.js` : `../${name}/cli.ts`
  return fileURLToPath(new URL(path, import.meta.url))
}

/** Halves the time to start. Keyed by content; written by programs that end by themselves. */
const compileCache = fileURLToPath(new URL('../var/compile-cache', import.meta.url))

export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunningProgram extends AsyncDisposable {
  readonly child: ChildProcess
  /** Standard error so far. */
  readonly stderr: () => string
  readonly exited: Promise<Finished>
  /** Resolves with the first line of standard output that matches; rejects if the program ends before. */
  line(pattern: RegExp): Promise<RegExpExecArray>
  stop(signal?: NodeJS.Signals): Promise<Finished>
}

interface StartOptions {
  env?: Record<string, string>
  input?: string
  onErrorLine?: (line: string) => void
  /** In a process group of its own, so that a Ctrl-C at the terminal reaches only us. */
  detached?: boolean
}

/** The same Node runs them as runs this. Settings of the caller's environment do not leak in. */
export function startProgram(name: ProgramName, args: string[], options: StartOptions = {}): RunningProgram {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('VLT_')))
  const child = spawn(process.execPath, [entryOf(name), ...args], {
    env: { NODE_COMPILE_CACHE: compileCache, ...inherited, ...options.env },
    stdio: 'pipe',
    detached: options.detached ?? false,
  })
  child.stdin.end(options.input)

  const lines: string[] = []
  const watchers = new Set<(line: string) => void>()
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    for (const watch of watchers) watch(line)
  })
  createInterface({ input: child.stderr }).on('line', (line) => options.onErrorLine?.(line))

  const exited = once(child, 'close').then(([code]): Finished => ({
    code: code as number | null,
    stdout,
    stderr,
  }))

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Finished> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return exited
  }
  return {
    child,
    stderr: () => stderr,
    exited,
    stop,
    async line(pattern) {
      const earlier = lines.map((line) => pattern.exec(line)).find((match) => match !== null)
      if (earlier !== undefined) return earlier
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
      const watch = (line: string): void => {
        const match = pattern.exec(line)
        if (match !== null) resolve(match)
      }
      watchers.add(watch)
      void exited.then(({ code }) => {
        reject(new Error(`${name} ended with ${String(code)} before it said ${String(pattern)}:\n${stderr}`))
      })
      return promise.finally(() => watchers.delete(watch))
    },
    async [Symbol.asyncDispose]() {
      await stop('SIGKILL')
    },
  }
}

/** Runs a command to its end. */
export async function runProgram(
  name: ProgramName,
  args: string[],
  options: StartOptions = {},
): Promise<Finished> {
  return startProgram(name, args, options).exited
}

/** Starts a server on `port` (default: any free one) and answers with its address once it accepts connections. */
export async function startServer(
  data: string,
  { port = 0, args = [], ...options }: StartOptions & { port?: number; args?: string[] } = {},
): Promise<RunningProgram & { url: string }> {
  const server = startProgram(
    'server',
    ['serve', '--data', data, '--port', String(port), '--vlt-destination', 'lobby', ...args],
    options,
  )
  const [, url] = await server.line(/^vlt-server listening on (\S+)$/)
  return Object.assign(server, { url: url ?? '' })
}

/** Starts an agent and answers once it is ready. */
export async function startAgent(
  data: string,
  { args = ['--reader', 'simulated:lobby'], ...options }: StartOptions & { args?: string[] } = {},
): Promise<RunningProgram> {
  const agent = startProgram('agent', ['run', '--data', data, '--page-port', '0', ...args], options)
  await agent.line(/^vlt-agent ready$/)
  return agent
}
