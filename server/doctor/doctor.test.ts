import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { readSettings } from '../config.ts'
import { type Core, openCore } from '../core.ts'
import type { Engine } from '../database/schema.ts'
import { startSmtp } from '../mail/mail.testing.ts'
import { selfSigned, writeCertificate } from '../tls/certificates.testing.ts'
import { type HandClock, handClock, newPlace } from '../testbed.testing.ts'
import { runDoctor } from './doctor.ts'
import type { Finding } from './finding.ts'
import { checkFlush, checkNode, checkSpace } from './machine.ts'

const dayMs = 24 * 60 * 60 * 1000

interface Patient extends AsyncDisposable {
  readonly folder: string
  readonly core: Core
  readonly clock: HandClock
  examine(flags?: Record<string, unknown>): Promise<Finding[]>
}

/** A data folder with a database in it, and the clock that doctor goes by. */
async function openPatient(engine: Engine, offByMs = 0): Promise<Patient> {
  await using stack = new AsyncDisposableStack()
  const { folder, databaseUrl } = stack.use(await newPlace(engine))
  // That of this machine: keys and PostgreSQL go by the real one.
  const clock = handClock(new Date(Date.now() + offByMs).toISOString())
  const settings = { data: folder, databaseUrl }
  const core = stack.use(await openCore(readSettings(settings, {}), clock, 'command'))
  const owned = stack.move()
  return {
    folder,
    core,
    clock,
    examine: (flags = {}) => runDoctor(readSettings({ ...settings, ...flags }, {}), clock),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const found = (findings: Finding[], name: string): Finding | undefined =>
  findings.find(({ check }) => check === name)

const healthy = {
  sqlite: ['database', 'migrations'],
  postgres: ['database', 'database latency', 'clock', 'migrations'],
}

describe.each(['sqlite', 'postgres'] as const)('on %s', (engine) => {
  test('a place with everything in order has nothing to complain of but the server that does not run', async () => {
    await using patient = await openPatient(engine)
    await using smtp = await startSmtp({})
    const findings = await patient.examine({
      publicUrl: 'https://127.0.0.1:1',
      vltDestination: 'lobby',
      smtpUrl: smtp.url,
      trustedProxy: ['10.1.0.0/16'],
      ...writeCertificate(join(patient.folder, 'tls'), selfSigned()),
    })
    expect(findings.map(({ check }) => check)).toEqual([
      ...['node', 'data folder', 'disk space', 'disk flush'],
      ...healthy[engine],
      ...['keys', 'audit trail', 'mail backlog', 'kiosks', 'rows'],
      ...['tls', 'trusted proxies', 'public url', 'vlt destination', 'mail', 'server'],
    ])
    // How fast a disk is, and how much space it has, is not this test's to say.
    const ours = findings.filter(
      ({ check, state }) => state !== 'ok' && !/^(disk|database latency)/.test(check),
    )
    expect(ours.map(({ check }) => check)).toEqual(['server'])
    expect(smtp.received).toEqual([])
  })

  test('a changed audit trail, dead letters and mails that do not leave are found', async () => {
    await using patient = await openPatient(engine)
    const { database, audit, mailbox } = patient.core
    const mail = { to: 'a@example.com', subject: 's', text: 't', html: '' }
    await database.transact((tx) => mailbox.queue(tx, mail))
    for (let n = 0; n < 3; n += 1) {
      await database.transact((tx) =>
        audit.record(tx, { action: 'a', actor: 'operator', subject: 'client 1' }),
      )
    }
    expect(found(await patient.examine(), 'mail backlog')?.state).toBe('ok')
    patient.clock.advance(16 * 60_000)
    await database.db.updateTable('audit_events').set({ subject: 'client 2' }).where('seq', '=', 2).execute()
    const findings = await patient.examine()
    expect(found(findings, 'mail backlog')).toMatchObject({
      state: 'warn',
      detail: '1 to be sent, the oldest for 16 minutes, 0 dead letters',
    })
    expect(found(findings, 'audit trail')).toMatchObject({
      state: 'fail',
      detail: expect.stringMatching(/^row 2 does not hold/) as string,
    })
    await database.db.updateTable('mails').set({ state: 'dead' }).execute()
    expect(found(await patient.examine(), 'mail backlog')).toMatchObject({
      state: 'warn',
      hint: expect.stringContaining('vlt-server mail list --state dead') as string,
    })
  })

  test('a schema that is not of this version is found, and left as it is', async () => {
    await using patient = await openPatient(engine)
    const { db } = patient.core.database
    const done = () => sql<{ name: string }>`select name from kysely_migration`.execute(db)
    await sql`delete from kysely_migration where name = '0008-client-secrets'`.execute(db)
    const before = await done()
    const older = await patient.examine()
    expect(found(older, 'migrations')?.state).toBe('warn')
    expect(found(older, 'rows')).toBeUndefined()
    expect((await done()).rows).toEqual(before.rows)
    await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '')`.execute(db)
    expect(found(await patient.examine(), 'migrations')).toMatchObject({
      state: 'fail',
      detail: expect.stringMatching(/^database-too-new: .*9999-later/) as string,
    })
  })

  test('keys that are missing, exposed, of another database or old are found', async () => {
    await using patient = await openPatient(engine)
    const keys = join(patient.folder, 'keys.json')
    patient.clock.advance(401 * dayMs)
    expect(found(await patient.examine(), 'keys')).toMatchObject({
      state: 'warn',
      hint: 'Run: vlt-server keys rotate data. Run: vlt-server keys rotate tokens',
    })
    chmodSync(keys, 0o644)
    expect(found(await patient.examine(), 'keys')).toMatchObject({
      state: 'fail',
      detail: `keys-unusable: ${keys} can be read by other users`,
    })
    await using other = await openPatient('sqlite')
    expect(found(await patient.examine({ keys: join(other.folder, 'keys.json') }), 'keys')).toMatchObject({
      state: 'fail',
      detail: expect.stringMatching(/^keys-mismatch: /) as string,
    })
    rmSync(keys)
    const findings = await patient.examine()
    expect(found(findings, 'keys')).toMatchObject({
      state: 'fail',
      detail: `keys-missing: ${keys} is not there`,
    })
    expect(found(findings, 'rows')?.state).toBe('ok')
    expect(existsSync(keys)).toBe(false)
  })

  test('nothing it says is a secret', async () => {
    await using patient = await openPatient(engine)
    const findings = await patient.examine({ smtpUrl: 'smtp://user:mail-secret@127.0.0.1:1' })
    const said = JSON.stringify(findings)
    expect(found(findings, 'mail')).toMatchObject({
      state: 'fail',
      detail: '127.0.0.1:1: mail-server-unreachable',
    })
    for (const secret of ['mail-secret', 'vlt:vlt', patient.core.keyring.pepper.toString('base64')]) {
      expect(said).not.toContain(secret)
    }
  })
})

describe('PostgreSQL', () => {
  test('that cannot be reached is found, and so is the rest', async () => {
    await using patient = await openPatient('sqlite')
    const findings = await patient.examine({ databaseUrl: 'postgres://user:db-secret@127.0.0.1:1/vlt' })
    expect(found(findings, 'database')).toMatchObject({ state: 'fail' })
    expect(found(findings, 'database')?.detail).toMatch(/^database-unavailable: /)
    expect(found(findings, 'mail')?.state).toBe('warn')
    expect(JSON.stringify(findings)).not.toContain('db-secret')
  })

  test('that could lose commits is found', async () => {
    await using patient = await openPatient('postgres')
    const { db } = patient.core.database
    const name = sql.id(
      (await sql<{ name: string }>`select current_database() as name`.execute(db)).rows[0]?.name ?? '',
    )
    await sql`alter database ${name} set synchronous_commit = off`.execute(db)
    expect(found(await patient.examine(), 'database')).toMatchObject({
      state: 'fail',
      detail: expect.stringMatching(/^database-not-durable: /) as string,
    })
  })

  test.for([
    // The hand clock stands still while the test runs on.
    [-3_000, 'warn', /^\d{4,5} ms behind/],
    [120_000, 'fail', /^1\d{5} ms ahead of/],
  ] as const)('with a clock %d ms off is found', async ([offBy, state, detail]) => {
    await using patient = await openPatient('postgres', offBy)
    const findings = await patient.examine()
    expect(found(findings, 'clock')).toMatchObject({ state })
    expect(found(findings, 'clock')?.detail).toMatch(detail)
  })
})

describe('the machine', () => {
  test('a data folder that is not there is not created by looking', async () => {
    await using patient = await openPatient('sqlite')
    const nowhere = join(patient.folder, 'nowhere')
    const findings = await patient.examine({ data: nowhere })
    expect(found(findings, 'data folder')?.state).toBe('warn')
    expect(found(findings, 'database')?.state).toBe('warn')
    expect(existsSync(nowhere)).toBe(false)
    mkdirSync(nowhere, { mode: 0o700 })
    expect(found(await patient.examine({ data: nowhere }), 'data folder')?.state).toBe('ok')
    expect(readdirSync(nowhere)).toEqual([])
  })

  test('a data folder that others can enter is found', async () => {
    await using patient = await openPatient('sqlite')
    chmodSync(patient.folder, 0o755)
    expect(found(await patient.examine(), 'data folder')).toMatchObject({
      state: 'warn',
      hint: `Run: chmod 700 ${patient.folder}`,
    })
  })

  test('a database that is none is found', async () => {
    await using patient = await openPatient('sqlite')
    const broken = join(patient.folder, 'broken')
    mkdirSync(broken)
    writeFileSync(join(broken, 'server.db'), 'no database\n'.repeat(500))
    expect(found(await patient.examine({ data: broken }), 'database')).toMatchObject({
      state: 'fail',
      detail: expect.stringMatching(/^database-corrupt: /) as string,
    })
  })

  test.for([
    [2 ** 31, 'ok'],
    [2 ** 29, 'warn'],
    [2 ** 24, 'fail'],
  ] as const)('%d bytes of free space are %s', ([bytes, state]) => {
    expect(checkSpace('.', { bavail: bytes / 4_096, bsize: 4_096 }).state).toBe(state)
  })

  test.for([
    [[1, 2, 3], 'ok'],
    [[1, 2, 900], 'ok'],
    [[30, 2, 40], 'warn'],
  ] as const)('a disk that flushes in %j ms is %s', ([times, state]) => {
    expect(checkFlush('.', [...times]).state).toBe(state)
  })

  test.for([
    ['v24.7.0', 'ok'],
    ['v26.0.0', 'ok'],
    ['v22.12.0', 'fail'],
  ] as const)('Node %s is %s', ([version, state]) => {
    expect(checkNode(version).state).toBe(state)
  })
})

describe('the certificate', () => {
  test.for([
    [{ until: new Date(Date.now() + 10 * dayMs).toISOString() }, 'warn', /valid for 9 more days$/],
    [{ until: '2021-01-01T00:00:00.000Z' }, 'fail', /^certificate-not-valid: /],
  ] as const)('%j is found', async ([valid, state, detail]) => {
    await using patient = await openPatient('sqlite')
    const files = writeCertificate(join(patient.folder, 'tls'), selfSigned(valid))
    const findings = await patient.examine(files)
    expect(found(findings, 'tls')).toMatchObject({ state })
    expect(found(findings, 'tls')?.detail).toMatch(detail)
  })

  test('a key of another one is found', async () => {
    await using patient = await openPatient('sqlite')
    const { cert } = selfSigned()
    const files = writeCertificate(join(patient.folder, 'tls'), { cert, key: selfSigned().key })
    expect(found(await patient.examine(files), 'tls')).toMatchObject({
      state: 'fail',
      detail: expect.stringMatching(/^certificate-key-mismatch: /) as string,
    })
  })
})

test('a public address without HTTPS and insecure loopback are found', async () => {
  await using patient = await openPatient('sqlite')
  const flags = { publicUrl: 'http://lobby.example.com', insecureLoopback: true, port: '0' }
  const findings = await patient.examine(flags)
  expect(found(findings, 'public url')).toMatchObject({ state: 'warn', detail: 'http://lobby.example.com' })
  expect(found(findings, 'insecure loopback')?.state).toBe('warn')
})
