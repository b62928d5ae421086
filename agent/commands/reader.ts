import type { Command } from 'commander'
import type { OptionHelp } from '../../devices/reader.ts'
import { driverNames, loadDriver } from '../../devices/registry.ts'
import type { SupervisorEvent } from '../../devices/supervisor.ts'
import { parseCardUid } from '../../shared/card-uid.ts'
import { AppError } from '../../shared/errors.ts'
import type { SimulatedAction } from '../control/operations.ts'
import type { AgentStatus } from '../status.ts'
import { callAgent, settings, type Terminal } from './context.ts'

export function addReader(program: Command, terminal: Terminal): void {
  const reader = program.command('reader').description('Find, watch and simulate card readers')

  reader
    .command('list')
    .description('List the readers of the running agent, the devices found and the drivers')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const found = {
        readers: await runningReaders(command),
        devices: await discover(),
        drivers: (await Promise.all(driverNames.map(loadDriver))).map(({ name, summary, optionHelp }) => ({
          name,
          summary,
          options: optionHelp,
        })),
      }
      if (options.json === true) terminal.print(JSON.stringify(found, null, 2))
      else terminal.print(describe(found))
    })

  reader
    .command('monitor')
    .description('Show what the readers of the running agent do, until Ctrl-C')
    .option('--json', 'print a line of JSON per event')
    .action(async (options: { json?: boolean }, command: Command) => {
      const onEvent = (event: unknown): void => {
        terminal.print(options.json === true ? JSON.stringify(event) : eventLine(event as SupervisorEvent))
      }
      const watching = { onEvent, signal: terminal.signal, timeoutMs: undefined }
      try {
        await callAgent(settings(command, terminal), 'reader.monitor', {}, watching)
      } catch (error) {
        if (!terminal.signal.aborted) throw error
      }
    })

  const simulate = reader.command('simulate').description('Play cards and faults on a simulated reader')
  simulate
    .command('tap <uid>')
    .description('A card is presented and taken away')
    .option('--hold <ms>', 'the card lies there so long, in milliseconds')
    .option('--path <name>', 'which simulated reader; needed when there are several')
    .action(async (uid: string, options: { hold?: string; path?: string }, command: Command) => {
      if ('fault' in parseCardUid(uid)) {
        throw new AppError(
          'usage',
          'a UID is 4 to 10 bytes of hex, for example A0C2BBCA (use `raw` for anything else)',
        )
      }
      const hold = options.hold === undefined ? undefined : milliseconds('--hold', options.hold)
      await play(
        command,
        options.path,
        hold === undefined ? { kind: 'tap', text: uid } : { kind: 'hold', text: uid, forMs: hold },
      )
    })
  simulate
    .command('raw <text>')
    .description('Bytes on the wire, whole frames or not; \\r and \\n are understood')
    .option('--path <name>', 'which simulated reader')
    .action(async (text: string, options: { path?: string }, command: Command) => {
      const unescaped = text.replaceAll('\\r', '\r').replaceAll('\\n', '\n')
      await play(command, options.path, { kind: 'raw', text: unescaped })
    })
  simulate
    .command('unplug')
    .description('The reader is pulled out, and plugged in again later')
    .option('--for <ms>', 'how long it is gone, in milliseconds', '3000')
    .option('--path <name>', 'which simulated reader')
    .action(async (options: { for: string; path?: string }, command: Command) => {
      await play(command, options.path, { kind: 'unplug', forMs: milliseconds('--for', options.for) })
    })

  async function play(command: Command, path: string | undefined, action: SimulatedAction): Promise<void> {
    await callAgent(settings(command, terminal), 'reader.simulate', {
      path: path?.replace(/^simulated:/, ''),
      action,
    })
  }

  async function runningReaders(command: Command): Promise<AgentStatus['readers'] | null> {
    try {
      return ((await callAgent(settings(command, terminal), 'status', {})) as AgentStatus).readers
    } catch (error) {
      if (error instanceof AppError && error.code === 'agent-unreachable') return null
      throw error
    }
  }

  async function discover() {
    const drivers = await Promise.all(driverNames.map(loadDriver))
    return (await Promise.all(drivers.map((driver) => driver.discover(terminal.signal)))).flat()
  }
}

function milliseconds(flag: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 3_600_000) {
    throw new AppError('usage', `${flag} must be a whole number of milliseconds from 1 to 3600000`)
  }
  return value
}

function eventLine(event: SupervisorEvent): string {
  switch (event.type) {
    case 'tap':
      return `${event.readerId}  tap  ${event.uid}  ${event.identity}  ${event.proof}  ${event.tappedAt}`
    case 'bytes':
      return `${event.readerId}  ${event.direction}  ${event.hex}`
    case 'rejected':
      return `${event.readerId}  rejected  ${event.code}  ${String(event.bytes)} bytes`
    case 'state': {
      const why = event.fault === null ? '' : `  ${event.fault.code}: ${event.fault.hint}`
      return `${event.readerId}  ${event.state}${why}`
    }
  }
}

function describe(found: {
  readers: AgentStatus['readers'] | null
  devices: { spec: string; description: string }[]
  drivers: { name: string; summary: string; options: readonly OptionHelp[] }[]
}): string {
  const section = (title: string, lines: string[], none: string): string[] => [
    title,
    ...(lines.length > 0 ? lines : [none]).map((line) => `  ${line}`),
    '',
  ]
  return [
    ...section(
      'Readers of the running agent',
      (found.readers ?? []).map(
        ({ id, state, fault }) => `${id}  ${state}${fault === null ? '' : `  ${fault.code}: ${fault.hint}`}`,
      ),
      found.readers === null ? 'no agent runs on this data folder' : 'none: give one with --reader',
    ),
    ...section(
      'Devices found (give one to vlt-agent run --reader)',
      found.devices.map(({ spec, description }) => `${spec}  ${description}`),
      'none',
    ),
    ...section(
      'Drivers',
      found.drivers.flatMap(({ name, summary, options }) => [
        `${name}  ${summary}`,
        ...options.map((option) => `    ${option.name}  ${option.meaning}`),
      ]),
      'none',
    ),
  ]
    .join('\n')
    .trimEnd()
}
