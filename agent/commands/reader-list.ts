import type { Command } from 'commander'
import type { DiscoveredDevice, OptionHelp } from '../../devices/reader.ts'
import { driverNames, isDriverName, loadDriver } from '../../devices/registry.ts'
import { AppError } from '../../shared/errors.ts'
import type { AgentStatus } from '../status.ts'
import { callAgent, settings, type Terminal } from './context.ts'
import { wrap } from './layout.ts'
import { readerLines } from './reader-lines.ts'

interface JsonOption {
  json?: boolean
}

export function addReaderList(reader: Command, terminal: Terminal): void {
  reader
    .command('list')
    .description('List the readers of the running agent and how they are, the devices found and the drivers')
    .option('--json', 'print JSON')
    .action(async (options: JsonOption, command: Command) => {
      const found = {
        readers: await runningReaders(command),
        devices: await discover(terminal.signal),
        drivers: (await Promise.all(driverNames.map(loadDriver))).map(summaryOf),
      }
      terminal.print(options.json === true ? JSON.stringify(found, null, 2) : describe(found))
      if (options.json !== true) terminal.say('\n`vlt-agent reader drivers NAME` shows the options of one.')
    })

  reader
    .command('drivers [name]')
    .description('List the drivers, or the options of one')
    .option('--json', 'print JSON: [{name, summary, options}]')
    .action(async (name: string | undefined, options: JsonOption) => {
      if (name !== undefined && !isDriverName(name)) {
        throw new AppError('usage', `there is no driver ${name}; there are ${driverNames.join(', ')}`)
      }
      const names = name === undefined ? driverNames : [name]
      const drivers = (await Promise.all(names.map(loadDriver))).map(summaryOf)
      if (options.json === true) terminal.print(JSON.stringify(drivers, null, 2))
      else terminal.print(drivers.flatMap(name === undefined ? driverLines : wholeDriverLines).join('\n'))
    })

  reader
    .command('discover')
    .description('Find devices that can be readers, by names that stay their own; opens and writes to none')
    .option('--json', 'print JSON: [{spec, description}]')
    .action(async (options: JsonOption) => {
      const devices = await discover(terminal.signal)
      if (options.json === true) terminal.print(JSON.stringify(devices, null, 2))
      else if (devices.length > 0) terminal.print(devices.map(deviceLines).join('\n'))
      terminal.say(devices.length === 0 ? 'No device found. Plug the reader in.' : nextStep)
    })

  async function runningReaders(command: Command): Promise<AgentStatus['readers'] | null> {
    try {
      return ((await callAgent(settings(command, terminal), 'status', {})) as AgentStatus).readers
    } catch (error) {
      if (error instanceof AppError && error.code === 'agent-unreachable') return null
      throw error
    }
  }
}

const nextStep = [
  '',
  wrap('Try one with `vlt-agent reader test --reader …`, then give it to `vlt-agent run`.', ''),
  wrap(
    'A serial port does not say what is behind it: where a reader sends frames or is asked for cards, write its driver for serial-line (`vlt-agent reader drivers`).',
    '',
  ),
].join('\n')

/** A driver that cannot look (no daemon, no permission) finds nothing, and keeps no other from looking. */
async function discover(signal: AbortSignal): Promise<DiscoveredDevice[]> {
  const drivers = await Promise.all(driverNames.map(loadDriver))
  const found = await Promise.all(
    drivers.map((driver) =>
      driver.discover(signal).catch((error: unknown) => {
        if (error instanceof AppError) return []
        throw error
      }),
    ),
  )
  return found.flat()
}

/** Quoted for the shell, where a spec with options has characters of its own meaning. */
function deviceLines({ spec, description }: DiscoveredDevice): string {
  const quoted = /^[\w:/.,+=-]+$/.test(spec) ? spec : `'${spec.replaceAll("'", String.raw`'\''`)}'`
  return `--reader ${quoted}\n${wrap(description, '    ')}`
}

interface DriverSummary {
  name: string
  summary: string
  options: readonly OptionHelp[]
}

function summaryOf({ name, summary, optionHelp }: Awaited<ReturnType<typeof loadDriver>>): DriverSummary {
  return { name, summary, options: optionHelp }
}

function driverLines({ name, summary }: DriverSummary): string[] {
  return [wrap(summary, ' '.repeat(17), `  ${name.padEnd(14)} `)]
}

function wholeDriverLines(driver: DriverSummary): string[] {
  const lines = driver.options.map(({ name, meaning }) =>
    wrap(meaning, ' '.repeat(21), `      ${name.padEnd(14)} `),
  )
  return [...driverLines(driver), ...lines]
}

function describe(found: {
  readers: AgentStatus['readers'] | null
  devices: DiscoveredDevice[]
  drivers: DriverSummary[]
}): string {
  const section = (title: string, lines: string[], none: string): string[] => [
    title,
    ...(lines.length > 0 ? lines : [`  ${none}`]),
    '',
  ]
  return [
    ...section(
      'Readers of the running agent',
      (found.readers ?? []).flatMap((reader) => [`  ${reader.id}`, ...readerLines(reader, '    ')]),
      found.readers === null ? 'no agent runs on this data folder' : 'none: give one with --reader',
    ),
    ...section(
      'Devices found (for vlt-agent run)',
      found.devices.map((device) => deviceLines(device).replaceAll(/^/gm, '  ')),
      'none',
    ),
    ...section('Drivers', found.drivers.flatMap(driverLines), 'none'),
  ]
    .join('\n')
    .trimEnd()
}
