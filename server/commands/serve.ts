import type { Command } from 'commander'
import { logLevels } from '../../shared/log.ts'
import { defaults, ranges, readSettings } from '../config.ts'
import { serve, type Surroundings } from '../serve.ts'
import { addConfigOption } from './config-option.ts'
import { addPlaceOptions } from './on-core.ts'

/** `vlt-server serve` */
export function addServe(program: Command, surroundings: Surroundings): void {
  const command = program.command('serve').description('run the registration server until SIGTERM or SIGINT')
  addServerOptions(command).action((flags: Record<string, unknown>) =>
    serve(readSettings(flags, surroundings.env), surroundings),
  )
}

/** Every setting of a server. */
export function addServerOptions(command: Command): Command {
  addPlaceOptions(command)
    .option(
      '--host <host>',
      `address to listen on (default ${defaults.host}; 0.0.0.0 or :: for every address)`,
    )
    .option(
      '--port <port>',
      `TCP port, ${range(ranges.port)}; 0 takes any free one (default ${number(defaults.port)})`,
    )
    .option(
      '--public-url <url>',
      'address under which people and integrators reach this server (default: its own)',
    )
    .option('--tls-cert <file>', 'certificate chain in PEM: serves HTTPS; read again at SIGHUP')
    .option('--tls-key <file>', 'private key of --tls-cert in PEM')
    .option('--insecure-loopback', 'let loopback use what else needs HTTPS, for demos and tests')
    .option(
      '--smtp-url <url>',
      'mail server: smtp://user:password@host:587 or smtps://… (default: mails become files)',
    )
    .option('--smtp-url-file <file>', 'file that holds the --smtp-url, so that no process list shows it')
    .option(
      '--mail-dir <dir>',
      'folder for one .eml file per mail where there is no --smtp-url (default DATA/mail)',
    )
    .option('--mail-from <address>', `sender of every mail (default ${defaults.mailFrom})`)
    .option(
      '--vlt-destination <name>',
      'client system that registrations are for; without it they are refused with 503 (no default)',
    )
    .option(
      '--vlt-rate-limit <n>',
      `registrations per minute and client address, ${range(ranges.vltRateLimit)} (default ${number(defaults.vltRateLimit)})`,
    )
    .option(
      '--rate-limit <n>',
      `requests per minute, client address and route of every other API, ${range(ranges.rateLimit)} (default ${number(defaults.rateLimit)})`,
    )
    .option(
      '--kiosk-rate-limit <n>',
      `requests per minute and joined kiosk, ${range(ranges.kioskRateLimit)} (default ${number(defaults.kioskRateLimit)})`,
    )
    .option(
      '--kiosk-drain-limit <n>',
      `registrations per second that the backlogs of all kiosks may bring to this instance, ${range(ranges.kioskDrainLimit)} (default ${number(defaults.kioskDrainLimit)})`,
    )
    .option(
      '--trusted-proxy <cidr>',
      'address range of a proxy whose X-Forwarded-For and -Proto are believed, such as 10.1.0.0/16; repeatable (default none)',
      repeated,
    )
    .option(
      '--metrics-from <cidr>',
      `address range that may read /metrics, never through a proxy; repeatable (default ${defaults.metricsFrom.join(' and ')})`,
      repeated,
    )
    .option(
      '--drain-ms <ms>',
      `milliseconds between turning not ready and closing when stopped, ${range(ranges.drainMs)} (default ${number(defaults.drainMs)})`,
    )
    .option(
      '--log-level <level>',
      `${logLevels.join(', ')}: least severe lines to log (default ${defaults.logLevel})`,
    )
  return addConfigOption(command)
}

function repeated(entry: string, before: string[] | undefined): string[] {
  return [...(before ?? []), entry]
}

function range([min, max]: readonly [number, number]): string {
  return `${number(min)} to ${number(max)}`
}

function number(value: number): string {
  return String(value)
}
