import { argon2Sync, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createPrivacy } from '../../privacy/privacy.ts'
import { engines, newPlace, openTestbed, type Sent, type Testbed } from '../../testbed.testing.ts'
import { type Answered, createCustomer, example, post } from './customers.testing.ts'
import { findCustomerHolding } from './privacy.ts'

const second = 1_000
const minute = 60 * second

const password = 'securePassword123'

function logIn(bed: Testbed, credentials: Record<string, unknown> = {}, sent?: Sent): Promise<Answered> {
  return post(bed, 'login', { email: example, password, ...credentials }, sent)
}

const outcome = ({ status, headers }: Answered) =>
  status === 429 ? `429 ${String(headers['retry-after'])}` : status

function tally(answers: Answered[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const { status } of answers) found[status] = (found[status] ?? 0) + 1
  return found
}

async function hashOf({ database: { db } }: Testbed): Promise<string> {
  const { password_hash } = await db
    .selectFrom('customer_accounts')
    .select('password_hash')
    .executeTakeFirstOrThrow()
  return password_hash
}

/** The password hashed as an earlier version might have done it, at half the memory. */
function outdatedHash({ keyring }: Testbed): string {
  const salt = randomBytes(16)
  const hash = argon2Sync('argon2id', {
    message: password,
    nonce: salt,
    secret: keyring.pepper,
    memory: 9_728,
    passes: 2,
    parallelism: 1,
    tagLength: 32,
  })
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=9728,t=2,p=1$${text(salt)}$${text(hash)}`
}

describe.each(engines)('on %s', (engine) => {
  test('an idempotency key that others know does not help to guess: each try counts', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    const keyed = { headers: { 'idempotency-key': 'k' } }
    expect((await logIn(bed, {}, keyed)).status).toBe(200)
    for (let time = 0; time < 5; time += 1) {
      expect((await logIn(bed, { password: `wrong ${String(time)}` }, keyed)).status).toBe(422)
    }
    expect(outcome(await logIn(bed, { password: 'wrong' }, keyed))).toBe('429 5')
    expect(outcome(await logIn(bed, {}, keyed))).toBe('429 5')
  })

  test('whoever is erased while the password is hashed is nobody, and nothing of them is kept', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    const erase = () => createPrivacy(bed, bed.clock).erase(findCustomerHolding, '1')
    const verify = bed.passwords.verify.bind(bed.passwords)
    bed.passwords.verify = async (...given) => {
      const verdict = await verify(...given)
      await erase()
      return verdict
    }
    const { status } = await logIn(bed, {}, { headers: { 'idempotency-key': 'k' } })
    expect(status).toBe(401)
    expect(await bed.database.db.selectFrom('idempotency_keys').selectAll().execute()).toEqual([])
  })

  test('the address is compared trimmed and case folded, the password exactly', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    expect((await logIn(bed, { email: ' JUAN.Perez@example.COM' })).status).toBe(200)
    expect((await logIn(bed, { password: `${password} ` })).status).toBe(401)
    expect((await logIn(bed, { password: password.toUpperCase() })).status).toBe(401)
  })

  test('one text for a wrong password and for an address without an account', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    const wrong = await logIn(bed, { password: 'wrong' })
    const unknown = await logIn(bed, { email: 'nobody@example.com' })
    expect(wrong.json).toEqual({
      message: 'El correo electrónico o la contraseña no son correctos.',
      status: 401,
    })
    expect(unknown.body).toBe(wrong.body)
    expect(Object.keys(unknown.headers)).toEqual(Object.keys(wrong.headers))
  })

  test('the token is valid for eight hours and names the account', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    const token = String((await logIn(bed)).json.data?.['token'])
    const issued = Date.parse(bed.clock.now()) / 1000
    expect(await bed.tokens.verify(token)).toEqual({
      aud: 'customer-accounts',
      sub: '1',
      iat: issued,
      exp: issued + 28_800,
    })
  })

  test('a password hashed at another cost is hashed anew, once', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    const old = outdatedHash(bed)
    await bed.database.db.updateTable('customer_accounts').set({ password_hash: old }).execute()
    expect((await logIn(bed, { password: 'wrong' })).status).toBe(401)
    expect(await hashOf(bed)).toBe(old)
    expect((await logIn(bed)).status).toBe(200)
    const renewed = await hashOf(bed)
    expect(renewed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect((await logIn(bed)).status).toBe(200)
    expect(await hashOf(bed)).toBe(renewed)
  })

  test('five failures of an address from one network are free, then each one doubles the wait, up to a minute', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    for (const email of [example, 'nobody@example.com']) {
      const outcomes: unknown[] = []
      for (const wait of [0, 0, 0, 0, 0, 0, 5, 0, 10, 0, 20, 0, 40, 0, 60, 0]) {
        bed.clock.advance(wait * second)
        outcomes.push(outcome(await logIn(bed, { email, password: 'wrong' })))
      }
      expect(outcomes).toEqual([
        ...[401, 401, 401, 401, 401, '429 5', 401, '429 10', 401, '429 20', 401, '429 40'],
        ...[401, '429 60', 401, '429 60'],
      ])
    }
  })

  test('nobody is locked out: after the wait the right password opens, and clears the failures', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    for (let time = 0; time < 5; time += 1) await logIn(bed, { password: 'wrong' })
    expect(outcome(await logIn(bed))).toBe('429 5')
    // A stranger's failures keep nobody out who comes from elsewhere.
    expect((await logIn(bed, {}, { from: '127.0.0.9' })).status).toBe(200)
    bed.clock.advance(5 * second)
    expect((await logIn(bed)).status).toBe(200)
    for (let time = 0; time < 5; time += 1) {
      expect((await logIn(bed, { password: 'wrong' })).status).toBe(401)
    }
  })

  test('failures of an address are forgotten a quarter of an hour after the first', async () => {
    await using bed = await openTestbed({ engine })
    for (let time = 0; time < 4; time += 1) await logIn(bed)
    bed.clock.advance(15 * minute)
    for (let time = 0; time < 5; time += 1) expect((await logIn(bed)).status).toBe(401)
    expect(outcome(await logIn(bed))).toBe('429 5')
  })

  test('50 failures of a network slow it down, whatever addresses it tries and whoever logs in between', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    const from = { from: '127.0.0.7' }
    for (let n = 0; n < 50; n += 1) {
      expect((await logIn(bed, { email: `n${String(n)}@example.com` }, from)).status).toBe(401)
      if (n === 25) expect((await logIn(bed, {}, from)).status).toBe(200)
    }
    expect(outcome(await logIn(bed, {}, from))).toBe('429 5')
    expect((await logIn(bed, {}, { from: '127.0.0.8' })).status).toBe(200)
    bed.clock.advance(5 * second)
    expect((await logIn(bed, {}, from)).status).toBe(200)
  })

  test('50 failures of an address slow it down, from wherever they come', async () => {
    await using bed = await openTestbed({ engine })
    for (let n = 0; n < 50; n += 1) {
      const from = `127.0.1.${String(1 + Math.floor(n / 4))}`
      expect((await logIn(bed, {}, { from })).status).toBe(401)
    }
    expect(outcome(await logIn(bed, {}, { from: '127.0.2.1' }))).toBe('429 5')
    expect((await logIn(bed, { email: 'other@example.com' }, { from: '127.0.2.1' })).status).toBe(401)
    bed.clock.advance(5 * second)
    expect((await logIn(bed, {}, { from: '127.0.2.1' })).status).toBe(401)
    expect(outcome(await logIn(bed, {}, { from: '127.0.2.2' }))).toBe('429 10')
  })

  test('a burst of 40 guesses learns no more than guessing in turn', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => logIn(bed, { password: `wrong ${String(n)}` })),
    )
    expect(tally(answers)).toEqual({ 401: 5, 429: 35 })
  })

  test('right passwords in parallel all open, whatever the limit of failures', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    const answers = await Promise.all(Array.from({ length: 20 }, () => logIn(bed)))
    expect(tally(answers)).toEqual({ 200: 20 })
  })

  test('a wall clock that was set back locks nobody out', async () => {
    await using bed = await openTestbed({ engine })
    for (let time = 0; time < 5; time += 1) await logIn(bed)
    bed.clock.advance(-1 * second)
    expect(outcome(await logIn(bed))).toBe('429 6')
    bed.clock.advance(-60 * minute)
    expect((await logIn(bed)).status).toBe(401)
  })

  test('refusals are counted in the audit trail without saying whose address it was', async () => {
    await using bed = await openTestbed({ engine })
    await createCustomer(bed)
    await logIn(bed, { password: 'wrong' })
    await logIn(bed, { email: 'nobody@example.com' })
    await logIn(bed, { email: 'somebody@example.com' })
    await post(bed, 'verify', { email: example, codigo: '123456' })
    await bed.audit.flush()
    const rows = await bed.database.db.selectFrom('audit_events').selectAll().orderBy('seq').execute()
    const found = rows.map(({ action, actor, subject, details }) => [
      action,
      actor,
      subject,
      (JSON.parse(details) as { count: number }).count,
    ])
    expect(found).toEqual([
      ['customer-login-refused', 'anonymous', 'customer-account 1', 1],
      ['customer-login-refused', 'anonymous', 'customer-account unknown', 2],
      ['customer-code-refused', 'anonymous', 'customer-registration', 1],
    ])
  })

  test('more passwords than the machine can check are told to come back', async () => {
    await using bed = await openTestbed({ engine })
    const answers = await Promise.all(
      Array.from({ length: 400 }, (_, n) => logIn(bed, { email: `n${String(n)}@example.com` })),
    )
    const busy = answers.find(({ status }) => status === 503)
    expect(busy?.headers['retry-after']).toBe('5')
    expect(busy?.json).toEqual({
      message: 'El servicio no está disponible. Inténtelo de nuevo en unos segundos.',
      status: 503,
    })
  })
})

test('two instances on one PostgreSQL count failures together', async () => {
  await using place = await newPlace('postgres')
  await using one = await openTestbed({ place })
  await using two = await openTestbed({ place })
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => logIn(n % 2 === 0 ? one : two, { password: String(n) })),
  )
  expect(tally(answers)).toEqual({ 401: 5, 429: 15 })
})
