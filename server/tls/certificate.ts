import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Clock } from '../../shared/clock.ts'
import { AppError, nativeCode } from '../../shared/errors.ts'

export interface CertificateFiles {
  /** The own certificate, then its chain, in PEM. */
  cert: string
  /** Private key in PEM. */
  key: string
}

export interface Certificate {
  secure: SecureContextOptions
  expiresAt: string
}

// A group may read the key: service managers and certificate tools hand it over that way.
const forbiddenModes = 0o027

/**
 * The certificate in these files, checked so that a server with it can be used now.
 *
 * Throws `certificate-unreadable`, `certificate-invalid`, `certificate-key-exposed`, `certificate-key-mismatch` or
 * `certificate-not-valid`.
 */
export function readCertificate(files: CertificateFiles, clock: Clock): Certificate {
  const cert = read(files.cert)
  const key = readKey(files.key)
  const own = parse(files.cert, 'a certificate in PEM', () => new X509Certificate(cert))
  const privateKey = parse(files.key, 'a private key in PEM without a passphrase', () =>
    createPrivateKey(key),
  )
  if (!own.checkPrivateKey(privateKey)) {
    throw new AppError('certificate-key-mismatch', `${files.key} is not the key of ${files.cert}`)
  }
  const [from, until] = [own.validFromDate.toISOString(), own.validToDate.toISOString()]
  const now = clock.now()
  if (now >= until) throw new AppError('certificate-not-valid', `${files.cert} expired at ${until}`)
  if (now < from) throw new AppError('certificate-not-valid', `${files.cert} is valid from ${from} on`)
  const secure = { cert, key, minVersion: 'TLSv1.2' } as const
  parse(files.cert, 'a certificate chain that OpenSSL takes', () => createSecureContext(secure))
  return { secure, expiresAt: until }
}

function readKey(path: string): string {
  const text = read(path)
  if ((statSync(path).mode & forbiddenModes) !== 0) {
    throw new AppError(
      'certificate-key-exposed',
      `${path} can be read by other users, or changed by its group`,
    )
  }
  return text
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const reason = nativeCode(cause) ?? 'unknown error'
    throw new AppError('certificate-unreadable', `cannot read ${path} (${reason})`, { cause })
  }
}

function parse<T>(path: string, what: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new AppError('certificate-invalid', `${path} is not ${what}`, { cause })
  }
}
