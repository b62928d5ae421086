import { argon2Sync } from 'node:crypto'
import { fastify } from 'fastify'
import { describe, expect, test } from 'vitest'
import { createLog } from '../../../shared/log.ts'
import type { Tx } from '../../database/schema.ts'
import { createIdempotency } from '../../idempotency/idempotency.ts'
import { takeRawBodies } from '../../plugins/request-body.ts'
import { memoryHits } from '../../rate-limit/memory-hits.ts'
import { createPasswords } from '../../security/passwords.ts'
import { engines, openTestbed, type Received } from '../../testbed.testing.ts'
import { createAccounts } from './accounts/accounts.ts'
import { createCode } from './code.ts'
import { codeIndex, openPerson } from './registration.ts'
import {
  ask,
  exampleRequest,
  newCode,
  openRegistry,
  password,
  registrationRoute,
  type Registry,
} from './registry.testing.ts'
import { digitalRegistry, digitalRegistryDialect } from './routes.ts'
import { register } from './service.ts'

const rows = ({ database: { db } }: Registry) =>
  db.selectFrom('digital_registrations').selectAll().orderBy('id').execute()

const codeOf = ({ body }: Received): string | undefined =>
  (JSON.parse(body) as { data?: { Codigo: string } }).data?.Codigo

describe.each(engines)('on %s', (engine) => {
  test('a registration is stored sealed, found by its code, and starts as generado', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port, { Nombres: ' José Ñúñez ', Dni: '987.654.321', TipoDni: 4 })
    const [row, ...others] = await rows(bed)
    expect(others).toEqual([])
    const index = codeIndex(bed.vault, code)
    expect(row).toEqual({
      id: 1,
      code_index: index,
      api_user_id: 1,
      dni_index: bed.vault.index('digital_registrations.dni', '987654321'),
      personal: expect.any(String) as string,
      state: 'generado',
      wrong_proofs: 0,
      created_at: bed.clock.now(),
      started_at: null,
      completed_at: null,
    })
    expect(openPerson(bed.vault, index, row?.personal ?? '')).toEqual({
      TipoDni: 4,
      Dni: '987.654.321',
      Nombres: 'José Ñúñez',
    })
  })

  test('neither code, password, names nor numbers are kept readable anywhere', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    await ask(bed.port, {}, { headers: { 'idempotency-key': 'k' } })
    await ask(bed.port, { Password: 'wrong' })
    await bed.audit.flush()
    const { db } = bed.database
    const tables = [
      'entities',
      'api_users',
      'api_user_failures',
      'digital_registrations',
      'idempotency_keys',
      'audit_events',
    ] as const
    const all = await Promise.all(tables.map((table) => db.selectFrom(table).selectAll().execute()))
    expect(all.map(({ length }) => length > 0)).toEqual(tables.map(() => true))
    for (const secret of [code, password, '123456789', '987654321', 'Salamanca']) {
      expect(JSON.stringify(all)).not.toContain(secret)
    }
  })

  test('each registration is audited, by whom and of what', async () => {
    await using bed = await openRegistry({ engine })
    await newCode(bed.port)
    const events = await bed.database.db
      .selectFrom('audit_events')
      .select(['action', 'actor', 'subject'])
      .orderBy('seq')
      .execute()
    expect(events).toEqual([
      { action: 'entity-added', actor: 'operator', subject: 'entity 1' },
      { action: 'api-user-added', actor: 'operator', subject: 'api-user 1' },
      { action: 'digital-registration-created', actor: 'api-user 1', subject: 'digital-registration 1' },
    ])
  })

  test('what is refused stores nothing', async () => {
    await using bed = await openRegistry({ engine })
    for (const changes of [
      { TipoDni: '99' },
      { Password: 'x' },
      { Username: 'x' },
      { Dni: '' },
      { Dni: 7 },
    ]) {
      expect((await ask(bed.port, changes)).status).toBeGreaterThanOrEqual(400)
    }
    expect(await rows(bed)).toEqual([])
  })

  test('a replayed request gives the same code and stores nothing more', async () => {
    await using bed = await openRegistry({ engine })
    const sent = { headers: { 'idempotency-key': 'one' } }
    const first = await ask(bed.port, {}, sent)
    const second = await ask(bed.port, {}, sent)
    expect(second.body).toBe(first.body)
    expect([first, second].map(({ headers }) => headers['idempotency-replayed'])).toEqual([undefined, 'true'])
    expect(await rows(bed)).toHaveLength(1)
  })

  test('without a public URL the address is that of the listener, never one that the request names', async () => {
    await using bed = await openTestbed({ engine, flags: { insecureLoopback: true } })
    const accounts = createAccounts(bed, bed.clock)
    const { id: entityId } = await accounts.addEntity('Banco')
    await accounts.addApiUser({ username: '123456789', password, entityId, api: true })
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example',
    }
    const { body } = await ask(bed.port, {}, { headers })
    const { Codigo, Url } = (JSON.parse(body) as { data: { Codigo: string; Url: string } }).data
    expect(Url).toBe(`http://127.0.0.1:${String(bed.port)}/digital/index.php?cod=${Codigo}`)
  })

  test('200 parallel requests get 200 codes', async () => {
    await using bed = await openRegistry({ engine })
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(bed.port)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map(codeOf)).size).toBe(200)
    expect(await rows(bed)).toHaveLength(200)
  })

  test('200 parallel requests with one key get one code and never contradict each other', async () => {
    await using bed = await openRegistry({ engine })
    const sent = { headers: { 'idempotency-key': 'one' } }
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(bed.port, {}, sent)))
    expect(answers.filter(({ status }) => ![200, 409].includes(status))).toEqual([])
    expect(new Set(answers.map(codeOf).filter((code) => code !== undefined)).size).toBe(1)
    expect(await rows(bed)).toHaveLength(1)
  })

  describe('a code that is taken', () => {
    const person = { TipoDni: 1, Dni: '1', Nombres: 'x' } as const
    const drawing = (...codes: string[]) => ({ createCode: () => codes.shift() ?? 'ZZZZZZZZZZZZZ' })
    const draw = async (bed: Registry, generator: { createCode: () => string }): Promise<string> => {
      const registry = { ...bed, ...generator }
      const work = (tx: Tx) => register(tx, registry, person, 1, bed.clock.now())
      return (await bed.database.transact(work)).code
    }

    test('is drawn again', async () => {
      await using bed = await openRegistry({ engine })
      const taken = await newCode(bed.port)
      expect(await draw(bed, drawing(taken, taken, 'BBBBBBBBBBBBB'))).toBe('BBBBBBBBBBBBB')
      expect((await rows(bed)).map(({ code_index }) => code_index)).toEqual(
        [taken, 'BBBBBBBBBBBBB'].map((code) => codeIndex(bed.vault, code)),
      )
    })

    test('is drawn again when another request takes it at the same moment', async () => {
      await using bed = await openRegistry({ engine })
      const drawn = await Promise.all(
        ['B', 'C', 'D', 'E'].map((letter) => draw(bed, drawing('AAAAAAAAAAAAA', letter.repeat(13)))),
      )
      expect(drawn.filter((code) => code === 'AAAAAAAAAAAAA')).toHaveLength(1)
      expect(new Set(drawn).size).toBe(4)
    })

    test('ends in an error, not in a loop, when nothing else is drawn', async () => {
      await using bed = await openRegistry({ engine })
      await draw(bed, drawing('ZZZZZZZZZZZZZ'))
      await expect(draw(bed, drawing())).rejects.toThrow('codes in a row were taken')
      expect(await rows(bed)).toHaveLength(1)
    })
  })

  test('a password hashed at an older cost is hashed anew, and goes on working', async () => {
    await using bed = await openRegistry({ engine })
    const { db } = bed.database
    const salt = Buffer.alloc(16, 7)
    const older = { memory: 8_192, passes: 1, parallelism: 1 }
    const secret = bed.keyring.pepper
    const hash = argon2Sync('argon2id', { message: password, nonce: salt, secret, tagLength: 32, ...older })
    const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
    const phc = `$argon2id$v=19$m=8192,t=1,p=1$${base64(salt)}$${base64(hash)}`
    await db.updateTable('api_users').set({ password_hash: phc }).execute()
    const stored = async () => (await db.selectFrom('api_users').select('password_hash').execute())[0]

    expect((await ask(bed.port, { Password: 'wrong' })).status).toBe(401)
    expect(await stored()).toEqual({ password_hash: phc })
    await newCode(bed.port)
    expect((await stored())?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await newCode(bed.port)
  })

  test('what the operator does holds from the next request on', async () => {
    await using bed = await openRegistry({ engine })
    const status = async (): Promise<number> => (await ask(bed.port)).status
    const { accounts, entityId } = bed
    expect(await status()).toBe(200)
    await accounts.setEntityActive(entityId, false)
    expect(await status()).toBe(403)
    await accounts.setEntityActive(entityId, true)
    await accounts.setApiUserActive('123456789', false)
    expect(await status()).toBe(403)
    await accounts.setApiUserActive('123456789', true)
    expect(await status()).toBe(200)
    await accounts.setPassword('123456789', 'OtraClaveSegura')
    expect(await status()).toBe(401)
    expect((await ask(bed.port, { Password: 'OtraClaveSegura' })).status).toBe(200)
  })

  test('while too many passwords wait it says when to come back', async () => {
    await using bed = await openRegistry({ engine })
    const { database, vault, clock, keyring } = bed
    await using app = fastify()
    takeRawBodies(app)
    void app.register(
      (scope, _options, done) => {
        // No core to hash on: each password is one too many.
        const core = { ...bed, passwords: createPasswords(keyring.pepper, 0) }
        const settings = { publicUrl: () => '', insecureLoopback: true, ratePerMinute: 60, createCode }
        const hits = memoryHits(clock)
        const idempotency = createIdempotency(database, vault, clock)
        const log = createLog('registry', 'error')
        digitalRegistry(scope, { ...settings, core, hits, idempotency, clock, log })
        done()
      },
      { prefix: digitalRegistryDialect.prefix },
    )
    const { statusCode, headers, json } = await app.inject({
      method: 'POST',
      url: registrationRoute,
      payload: exampleRequest(),
    })
    expect([statusCode, headers['retry-after'], json()]).toEqual([
      503,
      '5',
      { status: 503, message: 'Servicio no disponible. Intente de nuevo en unos segundos.' },
    ])
    expect(await rows(bed)).toEqual([])
    expect(await database.db.selectFrom('api_user_failures').selectAll().execute()).toEqual([])
  })
})

test('codes are drawn evenly from A to Z and 0 to 9', () => {
  const draws = 20_000
  const counts = new Map<string, number>()
  for (let drawn = 0; drawn < draws; drawn += 1) {
    const code = createCode()
    expect(code).toMatch(/^[A-Z0-9]{13}$/)
    for (const sign of code) counts.set(sign, (counts.get(sign) ?? 0) + 1)
  }
  expect(counts.size).toBe(36)
  const expected = (draws * 13) / 36
  const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
  // 35 degrees of freedom: beyond this once in some hundred million runs; a byte modulo 36 gives about 600.
  expect(chiSquared).toBeLessThan(115)
})

test('the public URL is that of the settings', async () => {
  await using bed = await openRegistry({ engine: 'sqlite', flags: { publicUrl: 'https://a.example/kiosk/' } })
  const { body } = await ask(bed.port)
  expect(body).toMatch(/"Url":"https:\/\/a\.example\/kiosk\/digital\/index\.php\?cod=[A-Z0-9]{13}"/)
})
