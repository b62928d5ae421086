/** `npm start`: server and agent with a simulated reader, on this machine, until Ctrl-C. */
import { createServer } from 'node:net'
import { call } from '../agent/control/client.ts'
import { socketPath } from '../agent/control/protocol.ts'
import type { AgentStatus } from '../agent/status.ts'
import { startAgent, startServer, type RunningProgram } from './programs.ts'

const preferredServerPort = 8080
const preferredPagePort = 8090

/** The usual port, or any free one where another program has it. */
async function freePort(preferred: number): Promise<number> {
  const probe = createServer()
  const free = await new Promise<boolean>((resolve) => {
    probe.once('error', () => {
      resolve(false)
    })
    probe.listen(preferred, '127.0.0.1', () => {
      probe.close(() => {
        resolve(true)
      })
    })
  })
  if (!free) console.log(`Port ${String(preferred)} is taken; another one is used.`)
  return free ? preferred : 0
}

interface LogLine {
  level?: string
  msg?: string
  code?: string
  hint?: string
}

/** Logs are JSON lines for machines; a person at the terminal sees what matters of them. */
function showLog(program: string): (line: string) => void {
  return (line) => {
    if (!line.startsWith('{')) {
      console.log(`${program}: ${line}`)
      return
    }
    const { level, msg, code, hint } = parseLog(line)
    if (level === 'debug' || msg === undefined) return
    const details = [code, hint].filter((part) => part !== undefined).join(': ')
    if (level !== 'info' || program === 'agent')
      console.log(`${program}: ${msg}${details === '' ? '' : ` (${details})`}`)
  }
}

function parseLog(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return { level: 'warn', msg: line }
  }
}

const stop = new AbortController()
const programs: RunningProgram[] = []
let stoppedAt = 0
function killAll(): void {
  for (const { child } of programs) child.kill('SIGKILL')
}
// However this ends, nothing is left behind.
process.on('exit', killAll)
const signalled = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // npm passes on a Ctrl-C that the terminal has sent us already; a later one is meant.
      if (stop.signal.aborted && performance.now() - stoppedAt > 1_000) killAll()
      if (stop.signal.aborted) return
      stoppedAt = performance.now()
      stop.abort()
      resolve()
    })
  }
})

try {
  const server = await startServer('var/server', {
    port: await freePort(preferredServerPort),
    detached: true,
    onErrorLine: showLog('server'),
  })
  programs.push(server)
  stop.signal.throwIfAborted()
  const agent = await startAgent('var/agent', {
    args: [
      '--server-url',
      server.url,
      '--reader',
      'simulated:lobby',
      '--page-port',
      String(await freePort(preferredPagePort)),
    ],
    detached: true,
    onErrorLine: showLog('agent'),
  })
  programs.push(agent)
  stop.signal.throwIfAborted()
  const { pageUrl } = (await call(socketPath('var/agent'), 'status')) as AgentStatus
  console.log(`
vlt-kiosk is running.

  server       ${server.url}   (data in var/server)
  kiosk page   ${pageUrl ?? 'not served'}   (agent's data in var/agent)

Register a client on the kiosk page, or in a second terminal; then present a card:

  npx vlt-agent enroll                          enter a client; it then waits for a card
  npx vlt-agent reader simulate tap A0C2BBCA    present a card to the simulated reader
  npx vlt-agent queue list                      see what became of it

Ctrl-C stops both.
`)
  const died = async (name: string, { exited }: RunningProgram): Promise<void> => {
    const { code } = await exited
    if (!stop.signal.aborted)
      console.error(`The ${name} ended by itself with code ${String(code)}; its last words are above.`)
  }
  await Promise.race([signalled, died('server', server), died('agent', agent)])
} catch (error) {
  if (!stop.signal.aborted) console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

console.log('Stopping…')
const ended = await Promise.all(programs.reverse().map((program) => program.stop()))
if (ended.some(({ code }) => code !== 0)) process.exitCode = 1
console.log('Stopped.')
