import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { handClock } from '../testbed.testing.ts'
import { memoryLog } from '../mail/mail.testing.ts'
import { readCertificate } from './certificate.ts'
import { selfSigned, type TestCertificate, writeCertificate } from './certificates.testing.ts'
import { openTls } from './tls.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-tls-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const clock = handClock('2026-03-01T12:00:00.000Z')

function read(pair: Pick<TestCertificate, 'cert' | 'key'>, mode = 0o600): ReturnType<typeof readCertificate> {
  const { tlsCert: cert, tlsKey: key } = writeCertificate(folder, pair)
  chmodSync(key, mode)
  return readCertificate({ cert, key }, clock)
}

test('a certificate with its chain and key', () => {
  const pair = selfSigned({ until: '2026-03-01T12:00:01.000Z' })
  expect(read(pair).expiresAt).toBe('2026-03-01T12:00:01.000Z')
  expect(read({ ...pair, cert: pair.cert + selfSigned().cert }, 0o640).secure).toMatchObject({
    key: pair.key,
    minVersion: 'TLSv1.2',
  })
})

test.for<[string, () => unknown, string]>([
  ['for another key', () => read({ ...selfSigned(), key: selfSigned().key }), 'certificate-key-mismatch'],
  [
    'that has expired',
    () => read(selfSigned({ until: '2026-03-01T12:00:00.000Z' })),
    'certificate-not-valid',
  ],
  ['of tomorrow', () => read(selfSigned({ from: '2026-03-01T12:00:01.000Z' })), 'certificate-not-valid'],
  ['that is text', () => read({ ...selfSigned(), cert: 'hello' }), 'certificate-invalid'],
  ['that is empty', () => read({ ...selfSigned(), cert: '' }), 'certificate-invalid'],
  [
    'that is its key',
    () => {
      const { key } = selfSigned()
      return read({ cert: key, key })
    },
    'certificate-invalid',
  ],
  [
    'with a broken chain',
    () => {
      const pair = selfSigned()
      return read({
        ...pair,
        cert: `${pair.cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      })
    },
    'certificate-invalid',
  ],
  ['with text for a key', () => read({ ...selfSigned(), key: 'hello' }), 'certificate-invalid'],
  [
    'whose key has a passphrase',
    () => {
      const pair = selfSigned()
      const locked = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const
      return read({ ...pair, key: pair.keyObject.export(locked).toString() })
    },
    'certificate-invalid',
  ],
  [
    'too weak for OpenSSL',
    () => {
      const weak = generateKeyPairSync('rsa', { modulusLength: 512 })
      const pair = selfSigned({}, weak)
      return read(pair)
    },
    'certificate-invalid',
  ],
  ['whose key the world can read', () => read(selfSigned(), 0o604), 'certificate-key-exposed'],
  ['whose key its group can change', () => read(selfSigned(), 0o620), 'certificate-key-exposed'],
  [
    'that is not there',
    () => readCertificate({ cert: join(folder, 'no'), key: join(folder, 'no') }, clock),
    'certificate-unreadable',
  ],
  ['that is a folder', () => readCertificate({ cert: folder, key: folder }, clock), 'certificate-unreadable'],
])('a certificate %s is refused', ([, work, code]) => {
  expect(work).toThrow(expect.objectContaining({ code }) as Error)
})

test.for<[string, number, number]>([
  ['2026-03-15T11:59:59.000Z', 40, 13],
  ['2026-03-15T12:00:00.000Z', 30, 14],
])('a certificate until %s is told at level %i', ([until, level, days]) => {
  const { log, lines } = memoryLog()
  openTls(writeCertificate(folder, selfSigned({ until })), clock, log)?.tellExpiry()
  expect(lines).toMatchObject([{ level, days, expiresAt: until }])
})

test('a bad certificate at reload leaves the old one, and says why', () => {
  const { log, lines } = memoryLog()
  const files = writeCertificate(folder, selfSigned({ until: '2027-01-01T00:00:00.000Z' }))
  const tls = openTls(files, clock, log)
  writeFileSync(files.tlsCert, 'x')
  tls?.reload()
  tls?.tellExpiry()
  expect(lines).toMatchObject([
    { level: 50, code: 'certificate-invalid', msg: expect.stringContaining(files.tlsCert) as string },
    { level: 30, expiresAt: '2027-01-01T00:00:00.000Z' },
  ])
})

test('without a certificate there is no TLS', () => {
  expect(openTls({ tlsCert: undefined, tlsKey: undefined }, clock, memoryLog().log)).toBeUndefined()
})
