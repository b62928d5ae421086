import { z } from 'zod'
import { loadConfig, wholeNumber } from '../shared/config.ts'
import { logLevels } from '../shared/log.ts'
import { trustFault } from './client-address.ts'
import { parseSender } from './mail/address.ts'
import { readSmtpUrl } from './mail/smtp-url.ts'

/** What a setting is when no source names it; `--help` prints these. */
export const defaults = {
  host: '127.0.0.1',
  port: 8080,
  data: 'var/server',
  vltRateLimit: 60,
  rateLimit: 60,
  kioskRateLimit: 600,
  kioskDrainLimit: 1_500,
  mailFrom: 'VLT Kiosk <no-reply@localhost>',
  metricsFrom: ['127.0.0.0/8', '::1/128'],
  drainMs: 500,
  logLevel: 'info',
} as const

/** Smallest and largest value of each number. */
export const ranges = {
  port: [0, 65_535],
  vltRateLimit: [1, 1_000_000],
  rateLimit: [1, 1_000_000],
  kioskRateLimit: [1, 1_000_000],
  kioskDrainLimit: [1, 1_000_000],
  // The rest of the 10 s that a stop may take belongs to the requests in flight.
  drainMs: [0, 8_000],
} as const satisfies Record<string, readonly [number, number]>

/** Flags, `VLT_SERVER_*` and the settings file of every command meet in these keys. */
export const settingsSchema = z
  .object({
    host: text('must be a host name or an IP address').default(defaults.host),
    port: trimmedNumber(...ranges.port).default(defaults.port),
    data: text('must name a folder').default(defaults.data),
    databaseUrl: url(['postgres:', 'postgresql:']).optional(),
    keys: text('must name a file').optional(),
    publicUrl: url(['http:', 'https:'])
      .refine(isBareUrl, 'must be an address without user, query and fragment: https://kiosk.example.com')
      .optional(),
    insecureLoopback: onOff().default(false),
    tlsCert: text('must name a file').optional(),
    tlsKey: text('must name a file').optional(),
    smtpUrl: url(['smtp:', 'smtps:'])
      .refine(
        (value) => readSmtpUrl(value) !== undefined,
        'must hold a host and at most user, password (percent-encoded) and port: smtp://user:password@host:587',
      )
      .optional(),
    mailDir: text('must name a folder').optional(),
    mailFrom: mailSender().default(defaults.mailFrom),
    vltDestination: text('must name the destination client').optional(),
    vltRateLimit: trimmedNumber(...ranges.vltRateLimit).default(defaults.vltRateLimit),
    rateLimit: trimmedNumber(...ranges.rateLimit).default(defaults.rateLimit),
    kioskRateLimit: trimmedNumber(...ranges.kioskRateLimit).default(defaults.kioskRateLimit),
    kioskDrainLimit: trimmedNumber(...ranges.kioskDrainLimit).default(defaults.kioskDrainLimit),
    trustedProxy: addressRanges().default([]),
    metricsFrom: addressRanges().default([...defaults.metricsFrom]),
    drainMs: trimmedNumber(...ranges.drainMs).default(defaults.drainMs),
    logLevel: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default(defaults.logLevel),
  })
  .superRefine(({ tlsCert, tlsKey, smtpUrl, mailDir }, context) => {
    const refuse = (key: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [key], message })
    }
    if (tlsCert === undefined && tlsKey !== undefined) refuse('tlsKey', 'needs --tls-cert beside it')
    if (tlsCert !== undefined && tlsKey === undefined) refuse('tlsCert', 'needs --tls-key beside it')
    if (smtpUrl !== undefined && mailDir !== undefined) refuse('mailDir', 'and --smtp-url exclude each other')
  })

export type Settings = z.output<typeof settingsSchema>

const envPrefix = 'VLT_SERVER_'

/** What a command's flags, which may name a settings file, and the environment say. Throws `config-invalid`. */
export function readSettings(
  { config, ...flags }: Record<string, unknown>,
  env: Record<string, string | undefined>,
): Readonly<Settings> {
  const file = typeof config === 'string' ? config : env[`${envPrefix}CONFIG`]
  const secrets = ['databaseUrl', 'smtpUrl']
  return loadConfig(settingsSchema, { flags, env, envPrefix, file: file === '' ? undefined : file, secrets })
}

function text(rule: string) {
  return z
    .string(rule)
    .transform((value) => value.trim())
    .refine((value) => value !== '' && !value.includes('\0'), rule)
}

/** An address of one of these protocols, without a slash at its end. */
function url(protocols: string[]) {
  const rule = `must be an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`
  return text(rule)
    .refine((value) => protocols.includes(URL.parse(value)?.protocol ?? ''), rule)
    .transform((value) => value.replace(/\/+$/, ''))
}

/** Links are made by writing a path behind it, and go to strangers. */
function isBareUrl(value: string): boolean {
  const { username, password, search, hash } = new URL(value)
  return /^https?:\/\//i.test(value) && [username, password, search, hash].every((part) => part === '')
}

/** Where mails come from. */
function mailSender() {
  const rule = 'must be an address such as Lobby <no-reply@example.com>'
  return text(rule).refine((value) => parseSender(value) !== undefined, rule)
}

/** A flag, or `true` and `false` in the environment. */
function onOff() {
  const words = new Map<unknown, boolean>([
    [true, true],
    ['true', true],
    ['1', true],
    [false, false],
    ['false', false],
    ['0', false],
  ])
  return z.preprocess((raw) => words.get(raw) ?? raw, z.boolean('must be true or false'))
}

/** Settings files of shells tend to bring spaces along. */
function trimmedNumber(min: number, max: number) {
  return z.preprocess((raw) => (typeof raw === 'string' ? raw.trim() : raw), wholeNumber(min, max))
}

/** A list of CIDRs: repeated flags, a JSON array, or comma-separated text. */
function addressRanges() {
  return z
    .union([z.string().transform((list) => list.split(',')), z.array(z.string())], 'must be a list of CIDRs')
    .transform((list, context) => {
      const entries = list.map((entry) => entry.trim())
      for (const entry of entries) {
        const fault = trustFault(entry)
        if (fault !== undefined) context.addIssue({ code: 'custom', message: fault, input: entry })
      }
      return entries
    })
}
