import { existsSync } from 'node:fs'
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import type { Clock } from '../../shared/clock.ts'
import { errorTable } from '../../shared/errors.ts'
import type { Settings } from '../config.ts'
import { bracketed } from '../listening-url.ts'
import { createMailTransport } from '../mail/transport.ts'
import { readCertificate } from '../tls/certificate.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const dayMs = 24 * 60 * 60 * 1000
const warnBelowDays = 14

export function checkTls({ tlsCert: cert, tlsKey: key, trustedProxy }: Settings, clock: Clock): Finding {
  if (cert === undefined || key === undefined) {
    if (trustedProxy.length > 0) return ok('tls', 'left to the proxies')
    const hint = 'Give --tls-cert and --tls-key, or put a proxy in front and name it with --trusted-proxy.'
    return warn('tls', 'plain HTTP: secrets and personal data cross the network in the clear', hint)
  }
  const { expiresAt } = readCertificate({ cert, key }, clock)
  const days = Math.floor((Date.parse(expiresAt) - Date.parse(clock.now())) / dayMs)
  const detail = `${cert} is valid for ${String(days)} more days`
  if (days >= warnBelowDays) return ok('tls', detail)
  return warn('tls', detail, 'Renew the certificate, then send the server a SIGHUP.')
}

export function checkAddresses({ publicUrl, trustedProxy, insecureLoopback }: Settings): Finding[] {
  const findings = [
    trustedProxy.length === 0
      ? ok('trusted proxies', 'none: addresses that requests bring along are not believed')
      : ok('trusted proxies', trustedProxy.join(', ')),
  ]
  if (publicUrl === undefined) {
    const hint = 'Give --public-url: links in mails and answers begin with it.'
    findings.push(warn('public url', 'not set: links name the address the server listens on', hint))
  } else if (publicUrl.startsWith('http:')) {
    findings.push(warn('public url', publicUrl, 'Give an https address: people type personal data there.'))
  } else findings.push(ok('public url', publicUrl))
  if (insecureLoopback) {
    const detail = 'programs on this machine may use plain HTTP where HTTPS is demanded'
    findings.push(warn('insecure loopback', detail, 'Leave --insecure-loopback to demos and tests.'))
  }
  return findings
}

export function checkDestination({ vltDestination }: Settings): Finding {
  if (vltDestination !== undefined) return ok('vlt destination', vltDestination)
  const hint = 'Give --vlt-destination when the lobby registers clients.'
  return warn('vlt destination', 'not set: registrations of VLT clients are refused with 503', hint)
}

const wantsServer = 'Give --smtp-url for mails that reach people.'
const becomeFiles = (folder: string): string => `mails become files in ${folder}`

const mailTimeoutMs = 20_000

/** Goes as far as a mail would, up to the log-in, and sends none. */
export async function checkMailServer(settings: Settings): Promise<Finding> {
  const transport = createMailTransport(settings)
  try {
    const { destination } = transport
    const intoFiles = settings.smtpUrl === undefined
    // To look whether it can be written would create it.
    if (intoFiles && !existsSync(destination)) return warn('mail', becomeFiles(destination), wantsServer)
    const fault = await transport.check(AbortSignal.timeout(mailTimeoutMs))
    if (fault !== undefined) {
      const reply = fault.reply === undefined ? '' : ` (${fault.reply})`
      return fail('mail', `${destination}: ${fault.code}${reply}`, errorTable[fault.code].hint)
    }
    if (intoFiles) return warn('mail', becomeFiles(destination), wantsServer)
    return ok('mail', `${destination} takes mails`)
  } finally {
    transport.close()
  }
}

const answerTimeoutMs = 5_000

/**
 * Whether a server answers where these settings say. `running`: whether one holds the data folder, where that can be
 * known.
 */
export async function checkServer(settings: Settings, running: boolean | undefined): Promise<Finding> {
  const check = 'server'
  const url = addressOf(settings)
  if (running === false) return warn(check, 'none runs on this data folder', 'Start it: vlt-server serve')
  const held = running === true ? 'one runs on this data folder; ' : ''
  if (url === undefined) {
    return warn(
      check,
      `${held}its address is not known`,
      'Give --public-url, or the --host and --port it runs with.',
    )
  }
  const answer = await ask(`${url}/health/ready`)
  if (answer === 'ready') return ok(check, `${held}${url} is ready`)
  const hint =
    answer === undefined
      ? 'Start it, or give this command the --public-url, --host, --port and certificate the server runs with.'
      : 'See the log of the server.'
  return warn(check, `${held}${url}: ${answer ?? 'nobody answers'}`, hint)
}

function addressOf({ publicUrl, host, port, tlsCert }: Settings): string | undefined {
  if (publicUrl !== undefined) return publicUrl
  if (port === 0) return undefined
  return `${tlsCert === undefined ? 'http' : 'https'}://${bracketed(host)}:${String(port)}`
}

/** The status in the answer, such as `ready`; undefined for anything that is no answer of this server. */
function ask(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Nothing is told to whoever answers, and the certificate is checked above.
    const options = { agent: false, timeout: answerTimeoutMs, rejectUnauthorized: false }
    const get = url.startsWith('https:') ? getHttps : getHttp
    const request = get(url, options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text = (text + part).slice(0, 1_000)))
      response.on('end', () => {
        resolve(/^\{"status":"([a-z-]+)"/.exec(text)?.[1])
      })
      response.on('error', () => {
        resolve(undefined)
      })
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => {
      resolve(undefined)
    })
  })
}
