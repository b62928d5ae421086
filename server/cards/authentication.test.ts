import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createClientSecrets } from '../client-secrets/client-secrets.ts'
import { engines, openTestbed, register, send, type Received, type Testbed } from '../testbed.testing.ts'

function authenticate(bed: Testbed, secret: string | undefined, card = 'A0C2BBCA'): Promise<Received> {
  return send(bed.port, {
    path: '/v1/cards/authenticate',
    headers: {
      'content-type': 'application/json',
      ...(secret === undefined ? {} : { 'x-client-secret': secret }),
    },
    body: JSON.stringify({ cardIdentifier: card }),
  })
}

const median = (numbers: number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0

describe.each(engines)('on %s', (engine) => {
  test('a revocation holds from the next request on', async () => {
    await using bed = await openTestbed({ engine })
    const secrets = createClientSecrets(bed, bed.clock)
    const [old, fresh] = [await secrets.add('lobby'), await secrets.add('lobby')]
    await register(bed.port)
    expect((await authenticate(bed, old.secret)).status).toBe(200)
    await secrets.revoke(old.id)
    expect((await authenticate(bed, old.secret)).status).toBe(401)
    expect((await authenticate(bed, fresh.secret)).status).toBe(200)
  })

  test('refused secrets are counted in the audit trail, revoked ones by their id', async () => {
    await using bed = await openTestbed({ engine, flags: { rateLimit: 3 } })
    const secrets = createClientSecrets(bed, bed.clock)
    const { id, secret } = await secrets.add('lobby')
    await secrets.revoke(id)
    for (let n = 0; n < 5; n += 1) await authenticate(bed, 'a wrong one')
    await authenticate(bed, undefined)
    await authenticate(bed, secret)
    await bed.audit.flush()
    const events = await bed.database.db
      .selectFrom('audit_events')
      .select(['actor', 'subject', 'details'])
      .where('action', '=', 'client-secret-refused')
      .orderBy('seq')
      .execute()
    expect(events.map(({ details, ...event }) => ({ ...event, ...JSON.parse(details) }) as unknown)).toEqual([
      { actor: 'anonymous', subject: 'client-secret unknown', count: 6, since: bed.clock.now() },
      { actor: 'anonymous', subject: 'client-secret 1', count: 1, since: bed.clock.now() },
    ])
    expect(JSON.stringify(events)).not.toContain('127.0.0.1')
  })

  test('a database that takes no writes still lets readers in', async () => {
    await using bed = await openTestbed({ engine })
    const secrets = createClientSecrets(bed, bed.clock)
    const { secret } = await secrets.add('lobby')
    await register(bed.port)
    const refuse =
      engine === 'sqlite'
        ? sql`begin select raise(abort, 'full'); end`
        : sql`execute function refuse_change()`
    const forEach = engine === 'sqlite' ? sql`` : sql`for each row`
    await sql`create trigger full_disk before update on client_secrets ${forEach} ${refuse}`.execute(
      bed.database.db,
    )
    expect((await authenticate(bed, secret)).status).toBe(200)
    expect((await secrets.list())[0]?.last_used_at).toBeNull()
  })

  test('how long a refusal takes tells nothing of the secret', async () => {
    await using bed = await openTestbed({ engine })
    const secrets = createClientSecrets(bed, bed.clock)
    const [valid, revoked] = [await secrets.add('lobby'), await secrets.add('lobby')]
    await secrets.revoke(revoked.id)
    const tries = {
      missing: undefined,
      wrong: 'x',
      near: `${valid.secret.slice(0, -1)}-`,
      revoked: revoked.secret,
    }
    const times: Record<string, number[]> = {}
    for (let n = 0; n < 200; n += 1) {
      for (const [name, secret] of Object.entries(tries)) {
        const before = performance.now()
        expect((await authenticate(bed, secret)).status).toBe(401)
        ;(times[name] ??= []).push(performance.now() - before)
      }
    }
    const medians = Object.values(times).map(median)
    expect(Math.max(...medians) - Math.min(...medians)).toBeLessThan(5)
  })
})
