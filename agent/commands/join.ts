import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Command } from 'commander'
import { AppError } from '../../shared/errors.ts'
import type { KioskStatus } from '../kiosk/channel.ts'
import { reachOutbox, settings, type Terminal } from './context.ts'
import { Prompt } from './prompt.ts'

interface Options {
  code?: string
  codeFile?: string
  name?: string
  rotate?: boolean
  json?: boolean
}

export function addJoin(program: Command, terminal: Terminal): void {
  program
    .command('join')
    .description('Make this machine a kiosk that the server knows: backlogs then go in signed batches')
    .option('--server-url <url>', 'server to join (default: the one of the configuration)')
    .option('--insecure-http', 'allow plain http to a server on another machine')
    .option('--code <code>', 'one-time code of `vlt-server kiosk code`; asked for on a terminal')
    .option('--code-file <file>', 'file that holds the code, - for standard input: no process list shows it')
    .option('--name <name>', 'what this kiosk is called, unless the code says it (default: the host name)')
    .option('--rotate', 'only replace the key of a kiosk that has joined')
    .option('--json', 'print JSON')
    .action(async (options: Options, command: Command) => {
      const config = settings(command, terminal)
      const ask = async (method: 'kiosk.join' | 'kiosk.rotate', params: Record<string, unknown>) => {
        await using operations = await reachOutbox(config, terminal, { deliver: false, make: true })
        return (await operations.ask(method, params)) as KioskStatus
      }
      if (options.rotate === true) {
        const rotated = await ask('kiosk.rotate', {})
        terminal.print(options.json === true ? JSON.stringify(rotated) : describe(rotated, 'has a new key'))
        return
      }
      const { serverUrl } = config
      if (serverUrl === undefined) throw new AppError('server-not-configured', 'no --server-url was given')
      const code = await readCode(options, terminal)
      const joined = await ask('kiosk.join', { serverUrl, code, name: options.name ?? hostname() })
      terminal.print(options.json === true ? JSON.stringify(joined) : describe(joined, 'has joined'))
      if (joined.state === 'pending') {
        terminal.say(
          `Compare the fingerprint with \`vlt-server kiosk list\`, then: vlt-server kiosk activate ${String(joined.id)}`,
        )
      }
    })
}

function describe({ id, name, state, fingerprint, serverUrl }: KioskStatus, what: string): string {
  return `kiosk ${String(id)} "${name}" ${what} at ${serverUrl}: ${state}, fingerprint ${fingerprint}`
}

async function readCode({ code, codeFile }: Options, terminal: Terminal): Promise<string> {
  if (code !== undefined) return code
  if (codeFile !== undefined) {
    try {
      return readFileSync(codeFile === '-' ? 0 : codeFile, 'utf8').trim()
    } catch (cause) {
      throw new AppError('input-unreadable', `${codeFile} cannot be read`, { cause })
    }
  }
  if (!terminal.stdin.isTTY) throw new AppError('usage', 'give the code by --code-file or --code')
  using prompt = new Prompt(terminal.stdin, terminal.errorStream)
  return (await prompt.ask('One-time code: ')).trim()
}
