import { describe, expect, test } from 'vitest'
import { engines, openTestbed, type Testbed } from '../testbed.testing.ts'
import { verifyTrail } from '../audit/verify.ts'
import { createClientSecrets } from './client-secrets.ts'

const hourMs = 60 * 60 * 1000

const secretsOf = (bed: Testbed) => createClientSecrets(bed, bed.clock)

describe.each(engines)('on %s', (engine) => {
  test('a secret is 32 random bytes behind a prefix, and only a keyed hash of it is kept', async () => {
    await using bed = await openTestbed({ engine })
    const secrets = secretsOf(bed)
    const { id, name, secret } = await secrets.add('lobby north')
    expect({ id, name }).toEqual({ id: 1, name: 'lobby north' })
    expect(secret).toMatch(/^vltcs_[\w-]{43}$/)
    expect((await secrets.add('lobby north')).secret).not.toBe(secret)
    const rows = await bed.database.db.selectFrom('client_secrets').selectAll().execute()
    const kept = JSON.stringify([rows, await secrets.list()])
    expect(kept).not.toContain(secret.slice(6, 20))
    expect(JSON.stringify(await secrets.list())).not.toContain(rows[0]?.secret_index)
  })

  test('several are valid side by side; what is none, or nearly one, is unknown', async () => {
    await using bed = await openTestbed({ engine })
    const secrets = secretsOf(bed)
    const [one, two] = [await secrets.add('one'), await secrets.add('two')]
    expect(await secrets.check(one.secret)).toEqual({ state: 'valid', id: 1 })
    expect(await secrets.check(two.secret)).toEqual({ state: 'valid', id: 2 })
    for (const text of ['', one.secret.slice(0, -1), `${one.secret} `, one.secret.toUpperCase(), '1']) {
      expect(await secrets.check(text)).toEqual({ state: 'unknown' })
    }
  })

  test('a revoked one is refused at once by every instance, and revoking it again changes nothing', async () => {
    await using bed = await openTestbed({ engine })
    const [here, there] = [secretsOf(bed), secretsOf(bed)]
    const { id, secret } = await here.add('lobby')
    expect(await there.check(secret)).toEqual({ state: 'valid', id })
    expect(await here.revoke(id)).toBe(true)
    expect(await there.check(secret)).toEqual({ state: 'revoked', id })
    bed.clock.advance(5_000)
    expect(await here.revoke(id)).toBe(false)
    expect((await here.list())[0]?.revoked_at).toBe('2026-03-01T12:00:00.000Z')
    await expect(here.revoke(99)).rejects.toMatchObject({ code: 'client-secret-unknown' })
  })

  test('the time of use is kept to the hour', async () => {
    await using bed = await openTestbed({ engine })
    const secrets = secretsOf(bed)
    const { secret } = await secrets.add('lobby')
    const lastUsed = async () => (await secrets.list())[0]?.last_used_at
    expect(await lastUsed()).toBeNull()
    await secrets.check(secret)
    expect(await lastUsed()).toBe('2026-03-01T12:00:00.000Z')
    bed.clock.advance(hourMs - 1)
    await secrets.check(secret)
    expect(await lastUsed()).toBe('2026-03-01T12:00:00.000Z')
    bed.clock.advance(1)
    await secrets.check(secret)
    expect(await lastUsed()).toBe('2026-03-01T13:00:00.000Z')
  })

  test('who made and revoked them is in the audit trail, without the secret', async () => {
    await using bed = await openTestbed({ engine })
    const secrets = secretsOf(bed)
    const { id, secret } = await secrets.add('lobby')
    await secrets.revoke(id)
    await secrets.revoke(id)
    const events = await bed.database.db.selectFrom('audit_events').selectAll().orderBy('seq').execute()
    expect(events.map(({ action, actor, subject }) => [action, actor, subject])).toEqual([
      ['client-secret-added', 'operator', 'client-secret 1'],
      ['client-secret-revoked', 'operator', 'client-secret 1'],
    ])
    expect(JSON.stringify(events)).not.toContain(secret)
    expect(await verifyTrail(bed.database, bed.vault)).toMatchObject({ holds: true })
  })
})
