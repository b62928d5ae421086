import type { Server } from 'node:net'
import { type SecureContextOptions, Server as TlsServer } from 'node:tls'
import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Settings } from '../config.ts'
import { type Certificate, readCertificate } from './certificate.ts'

const dayMs = 24 * 60 * 60 * 1000
const warnBelowDays = 14

/** The server's certificate over its lifetime. */
export interface Tls {
  /** For the listener. */
  readonly secure: SecureContextOptions
  /** Gives a listener the certificate, now and after each `reload`. */
  attach(server: Server): void
  /** Reads the files again: new connections get the new certificate, open ones go on. A bad file changes nothing. */
  reload(): void
  /** Logs how long the certificate is valid, as a warning when that is short. Answers 0: it changes nothing. */
  tellExpiry(): number
}

/** Undefined where the settings name no certificate. Throws what `readCertificate` throws. */
export function openTls(
  { tlsCert, tlsKey }: Pick<Settings, 'tlsCert' | 'tlsKey'>,
  clock: Clock,
  log: Log,
): Tls | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined
  const files = { cert: tlsCert, key: tlsKey }
  let current: Certificate = readCertificate(files, clock)
  let listener: Server | undefined

  const tellExpiry = (): number => {
    const { expiresAt } = current
    const days = Math.floor((Date.parse(expiresAt) - Date.parse(clock.now())) / dayMs)
    if (days < warnBelowDays)
      log.warn({ expiresAt, days }, 'the certificate expires soon: renew it, then SIGHUP')
    else log.info({ expiresAt, days }, 'certificate in use')
    return 0
  }
  const apply = (): void => {
    if (listener instanceof TlsServer) listener.setSecureContext(current.secure)
  }

  return {
    secure: current.secure,
    attach(server) {
      listener = server
      apply()
    },
    reload() {
      try {
        current = readCertificate(files, clock)
        apply()
        tellExpiry()
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        const { code, message, hint } = error
        log.error({ code, hint }, `the old certificate stays: ${message}`)
      }
    },
    tellExpiry,
  }
}
