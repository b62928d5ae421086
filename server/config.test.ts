import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { AppError } from '../shared/errors.ts'
import { logLevels } from '../shared/log.ts'
import { readSettings } from './config.ts'

function complaints(flags: Record<string, unknown>, env: Record<string, string> = {}): string[] {
  try {
    readSettings(flags, env)
    return []
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    expect(error.code).toBe('config-invalid')
    return error.fields.map(({ field, message }) => `${field} ${message}`)
  }
}

test('without any source the documented defaults hold', () => {
  expect(readSettings({}, {})).toEqual({
    host: '127.0.0.1',
    port: 8080,
    data: 'var/server',
    insecureLoopback: false,
    mailFrom: 'VLT Kiosk <no-reply@localhost>',
    vltRateLimit: 60,
    rateLimit: 60,
    kioskRateLimit: 600,
    kioskDrainLimit: 1_500,
    trustedProxy: [],
    metricsFrom: ['127.0.0.0/8', '::1/128'],
    drainMs: 500,
    logLevel: 'info',
  })
})

test('flags win over the environment, the environment over the file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vlt-config-'))
  const config = join(folder, 'server.json')
  writeFileSync(
    config,
    JSON.stringify({ port: 1, drainMs: 1, vltRateLimit: 1, trustedProxy: ['10.0.0.0/8'] }),
  )
  const env = { VLT_SERVER_DRAIN_MS: '2', VLT_SERVER_VLT_RATE_LIMIT: '2', VLT_SERVER_CONFIG: config }
  expect(readSettings({ vltRateLimit: '3' }, env)).toMatchObject({
    port: 1,
    drainMs: 2,
    vltRateLimit: 3,
    trustedProxy: ['10.0.0.0/8'],
  })
  rmSync(folder, { recursive: true })
})

describe('numbers', () => {
  test.for(['abc', '', ' ', '70000', '-1', '1.5', '1e3', '0x10', '80 80', 70000, 1.5, NaN, true, null, []])(
    '%j is no port',
    (port) => {
      expect(complaints({ port })).toEqual([
        expect.stringMatching(/^--port must be a whole number from 0 to 65535 \(.*, from --port\)$/),
      ])
    },
  )

  test.for<[unknown, number]>([
    ['0', 0],
    [' 8080 ', 8080],
    ['65535', 65_535],
    [443, 443],
  ])('%j is port %d', ([port, expected]) => {
    expect(readSettings({ port }, {}).port).toBe(expected)
  })

  test('the rate limit is at least one', () => {
    expect(complaints({ vltRateLimit: '0' })).toHaveLength(1)
  })
})

test('every wrong setting is named with its value and source', () => {
  expect(
    complaints({ port: 'x', logLevel: 'loud' }, { VLT_SERVER_DRAIN_MS: '9000', VLT_SERVER_HOST: '  ' }),
  ).toEqual([
    '--host must be a host name or an IP address ("  ", from VLT_SERVER_HOST)',
    '--port must be a whole number from 0 to 65535 ("x", from --port)',
    '--drain-ms must be a whole number from 0 to 8000 ("9000", from VLT_SERVER_DRAIN_MS)',
    `--log-level must be one of ${logLevels.join(', ')} ("loud", from --log-level)`,
  ])
})

test.for(['https://x.pe/?a=b', 'https://x.pe/#f', 'https://user:pw@x.pe', 'https:x.pe', 'x.pe'])(
  'no link can be made of %s',
  (publicUrl) => {
    expect(complaints({ publicUrl })).toHaveLength(1)
  },
)

test('links are made of an address with a path too', () => {
  expect(readSettings({ publicUrl: 'https://x.pe/kiosk/' }, {}).publicUrl).toBe('https://x.pe/kiosk')
})

test('proxies come as repeated flags or as comma-separated text', () => {
  const expected = ['10.0.0.0/8', '192.168.0.0/16']
  expect(readSettings({ trustedProxy: expected }, {}).trustedProxy).toEqual(expected)
  const env = { VLT_SERVER_TRUSTED_PROXY: '10.0.0.0/8, 192.168.0.0/16' }
  expect(readSettings({}, env).trustedProxy).toEqual(expected)
})

test.for<[string, unknown]>([
  ['everybody', ['0.0.0.0/0']],
  ['everybody in IPv6', ['::/0']],
  ['true', 'true'],
  ['a boolean', true],
  ['a hop count', '1'],
  ['a hop count as a number', 1],
  ['one good and one bad', ['10.0.0.0/8', 'loopback']],
])('trusting %s is refused', ([, trustedProxy]) => {
  expect(complaints({ trustedProxy })).toHaveLength(1)
})

test('a destination that is blank is refused, not taken for none', () => {
  expect(complaints({ vltDestination: ' ' })).toEqual([
    '--vlt-destination must name the destination client (" ", from --vlt-destination)',
  ])
})

describe('secrets come from files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vlt-secret-'))
  const file = join(folder, 'url')
  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  test('by flag or environment, without the line end that editors add', () => {
    writeFileSync(file, 'postgres://vlt:secret@db.example/vlt\n')
    const expected = 'postgres://vlt:secret@db.example/vlt'
    expect(readSettings({ databaseUrlFile: file }, {}).databaseUrl).toBe(expected)
    expect(readSettings({}, { VLT_SERVER_DATABASE_URL_FILE: file }).databaseUrl).toBe(expected)
  })

  test('a wrong one is named without being shown', () => {
    writeFileSync(file, 'mysql://vlt:secret@db.example/vlt')
    const [complaint] = complaints({ databaseUrlFile: file })
    expect(complaint).toContain(`--database-url must be an address that begins with postgres://`)
    expect(complaint).toContain(file)
    expect(complaint).not.toContain('vlt:')
  })

  test('a secret given twice, or in a file that is not there, is refused', () => {
    writeFileSync(file, 'smtp://mail.example')
    expect(complaints({ smtpUrlFile: file, smtpUrl: 'smtp://other.example' })).toEqual([
      '--smtp-url-file and --smtp-url exclude each other',
    ])
    expect(() => readSettings({ smtpUrlFile: join(folder, 'none') }, {})).toThrow('cannot read')
  })
})

test.for<[Record<string, unknown>, string]>([
  [{ tlsCert: 'a' }, '--tls-cert needs --tls-key beside it ("a", from --tls-cert)'],
  [{ tlsKey: 'a' }, '--tls-key needs --tls-cert beside it ("a", from --tls-key)'],
  [
    { smtpUrl: 'smtp://a', mailDir: 'b' },
    '--mail-dir and --smtp-url exclude each other ("b", from --mail-dir)',
  ],
  [
    { smtpUrl: 'smtp://user:pass@mail.example/?x' },
    '--smtp-url must hold a host and at most user, password (percent-encoded) and port: ' +
      'smtp://user:password@host:587 (…, from --smtp-url)',
  ],
  [
    { smtpUrl: 'http://mail.example' },
    '--smtp-url must be an address that begins with smtp:// or smtps:// (…, from --smtp-url)',
  ],
  [
    { mailFrom: 'Lobby <no-reply>' },
    '--mail-from must be an address such as Lobby <no-reply@example.com> ("Lobby <no-reply>", from --mail-from)',
  ],
  [
    { mailFrom: 'a@example.com, b@example.com' },
    '--mail-from must be an address such as Lobby <no-reply@example.com> ("a@example.com, b@example.com", from --mail-from)',
  ],
  [
    { insecureLoopback: 'maybe' },
    '--insecure-loopback must be true or false ("maybe", from --insecure-loopback)',
  ],
])('%j is refused', ([flags, complaint]) => {
  expect(complaints(flags)).toEqual([complaint])
})
