import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { engines, openTestbed, type Testbed } from '../testbed.testing.ts'
import { createAudit } from './audit.ts'
import { formatLink, parseLink } from './chain.ts'
import { newestEvents } from './store.ts'
import { verifyTrail } from './verify.ts'

const dayMs = 24 * 60 * 60 * 1000

async function write(bed: Testbed, count: number, audit = bed.audit): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    const event = { action: 'tested', actor: 'operator', subject: `client ${String(n)}` }
    await bed.database.transact((tx) => audit.record(tx, event))
  }
}

const rows = ({ database: { db } }: Testbed) =>
  db.selectFrom('audit_events').selectAll().orderBy('seq').execute()

const verify = (bed: Testbed, noted?: { seq: number; chain: string }) =>
  verifyTrail(bed.database, bed.vault, noted)

/** What `audit list` would show, without times. */
async function events({ database }: Testbed) {
  const found = await database.query((db) => newestEvents(db, '', 1_000))
  return found.map(({ action, actor, subject, details }) => ({
    action,
    actor,
    subject,
    details: JSON.parse(details) as unknown,
  }))
}

describe.each(engines)('on %s', (engine) => {
  describe('the chain', () => {
    test('holds from the first row to the last', async () => {
      await using bed = await openTestbed({ engine })
      expect(await verify(bed)).toMatchObject({ holds: true, first: 1, end: { seq: 0 } })
      await write(bed, 5)
      expect(await verify(bed)).toMatchObject({ holds: true, first: 1, end: { seq: 5 } })
    })

    test('takes events of many transactions at once in one row of links', async () => {
      await using bed = await openTestbed({ engine })
      const instances = [bed.audit, createAudit(bed.database, bed.vault, bed.clock)]
      await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          bed.database.transact(async (tx) => {
            const event = { action: 'tested', actor: 'server', subject: String(n) }
            await instances[n % 2]?.record(tx, event)
          }),
        ),
      )
      expect(await verify(bed)).toMatchObject({ holds: true, end: { seq: 40 } })
      expect(new Set((await rows(bed)).map(({ subject }) => subject)).size).toBe(40)
    })

    test('is not lengthened by a transaction that fails', async () => {
      await using bed = await openTestbed({ engine })
      await write(bed, 1)
      const failing = bed.database.transact(async (tx) => {
        await bed.audit.record(tx, { action: 'tested', actor: 'server', subject: 'x' })
        throw new Error('after the fact')
      })
      await expect(failing).rejects.toThrow('after the fact')
      await write(bed, 1)
      expect(await verify(bed)).toMatchObject({ holds: true, end: { seq: 2 } })
    })

    test('holds while it is written to and pruned', async () => {
      await using bed = await openTestbed({ engine })
      const audit = createAudit(bed.database, bed.vault, bed.clock, { rows: 3, days: 400 })
      await write(bed, 3, audit)
      let done = false
      const writing = (async () => {
        for (let n = 0; n < 30; n += 1) {
          await write(bed, 1, audit)
          await audit.prune()
        }
      })().finally(() => {
        done = true
      })
      while (!done) {
        expect(await verify(bed)).toMatchObject({ holds: true })
        await nextTurn()
      }
      await writing
      expect(await rows(bed)).toHaveLength(3)
    })
  })

  describe('what somebody did to the database is seen:', () => {
    const tampering: [string, (bed: Testbed) => Promise<unknown>, number][] = [
      [
        'a changed row',
        ({ database: { db } }) =>
          db.updateTable('audit_events').set({ subject: 'client 9' }).where('seq', '=', 3).execute(),
        3,
      ],
      [
        'a changed time',
        ({ database: { db } }) =>
          db.updateTable('audit_events').set({ at: '2026-03-01' }).where('seq', '=', 5).execute(),
        5,
      ],
      [
        'a row taken out of the middle',
        ({ database: { db } }) => db.deleteFrom('audit_events').where('seq', '=', 3).execute(),
        3,
      ],
      [
        'rows moved up to fill a gap',
        async ({ database: { db } }) => {
          await db.deleteFrom('audit_events').where('seq', '=', 3).execute()
          await db.updateTable('audit_events').set({ seq: 3 }).where('seq', '=', 4).execute()
          await db.updateTable('audit_events').set({ seq: 4 }).where('seq', '=', 5).execute()
        },
        3,
      ],
      [
        'two rows that changed places',
        async ({ database: { db } }) => {
          for (const [from, to] of [
            [2, 99],
            [3, 2],
            [99, 3],
          ] as const) {
            await db.updateTable('audit_events').set({ seq: to }).where('seq', '=', from).execute()
          }
        },
        2,
      ],
      [
        'a row put in at the end',
        async (bed) => {
          const [row] = await rows(bed)
          if (row !== undefined)
            await bed.database.db
              .insertInto('audit_events')
              .values({ ...row, seq: 6 })
              .execute()
        },
        6,
      ],
      [
        'rows taken from the beginning',
        ({ database: { db } }) => db.deleteFrom('audit_events').where('seq', '<=', 2).execute(),
        1,
      ],
      [
        'rows taken from the beginning under a made-up record of it',
        async (bed) => {
          const chain = (await rows(bed))[1]?.chain ?? ''
          await bed.database.db
            .insertInto('audit_ends')
            .values({ place: 'start', seq: 2, chain, proof: 'x' })
            .execute()
          await bed.database.db.deleteFrom('audit_events').where('seq', '<=', 2).execute()
        },
        3,
      ],
      [
        'rows taken from the end',
        ({ database: { db } }) => db.deleteFrom('audit_events').where('seq', '>', 3).execute(),
        4,
      ],
      ['all rows gone', ({ database: { db } }) => db.deleteFrom('audit_events').execute(), 1],
      [
        'rows taken from the end, and more written behind them',
        async (bed) => {
          await bed.database.db.deleteFrom('audit_events').where('seq', '>', 3).execute()
          await write(bed, 2)
        },
        4,
      ],
      [
        'rows taken from the end, and its record moved there',
        async (bed) => {
          const third = (await rows(bed))[2]
          await bed.database.db.deleteFrom('audit_events').where('seq', '>', 3).execute()
          await bed.database.db
            .updateTable('audit_ends')
            .set({ seq: 3, chain: third?.chain ?? '' })
            .execute()
        },
        3,
      ],
      [
        'rows taken from the end, its record moved there, and more written behind them',
        async (bed) => {
          const third = (await rows(bed))[2]
          await bed.database.db.deleteFrom('audit_events').where('seq', '>', 3).execute()
          await bed.database.db
            .updateTable('audit_ends')
            .set({ seq: 3, chain: third?.chain ?? '' })
            .execute()
          await write(bed, 2)
        },
        4,
      ],
      [
        'the record of the end taken away',
        ({ database: { db } }) => db.deleteFrom('audit_ends').execute(),
        5,
      ],
      [
        'the record of the end put back to an older one',
        async (bed) => {
          const { db } = bed.database
          const older = await db.selectFrom('audit_ends').selectAll().executeTakeFirstOrThrow()
          await write(bed, 2)
          await db.updateTable('audit_ends').set(older).execute()
        },
        7,
      ],
      [
        'the record of the end put back to an older one, and more written behind it',
        async (bed) => {
          const { db } = bed.database
          const older = await db.selectFrom('audit_ends').selectAll().executeTakeFirstOrThrow()
          await write(bed, 2)
          await db.updateTable('audit_ends').set(older).execute()
          await write(bed, 1)
        },
        8,
      ],
    ]
    test.for(tampering)('%s', async ([, tamper, seq]) => {
      await using bed = await openTestbed({ engine })
      await write(bed, 5)
      await tamper(bed)
      expect(await verify(bed)).toMatchObject({ holds: false, seq })
    })

    test('an earlier state put back whole is seen only by an end noted elsewhere', async () => {
      await using bed = await openTestbed({ engine })
      const { db } = bed.database
      await write(bed, 3)
      const older = await db.selectFrom('audit_ends').selectAll().executeTakeFirstOrThrow()
      await write(bed, 2)
      const noted = (await rows(bed))[4]
      expect(await verify(bed, noted)).toMatchObject({ holds: true, noted: 'found' })
      await db.deleteFrom('audit_events').where('seq', '>', 3).execute()
      await db.updateTable('audit_ends').set(older).execute()
      expect(await verify(bed)).toMatchObject({ holds: true })
      expect(await verify(bed, noted)).toMatchObject({ holds: false, seq: 4 })
      await write(bed, 2)
      expect(await verify(bed)).toMatchObject({ holds: true })
      expect(await verify(bed, { seq: 5, chain: 'x'.repeat(43) })).toMatchObject({ holds: false, seq: 5 })
    })
  })

  describe('pruning', () => {
    test('keeps the newest rows up to the bound, and the chain verifiable', async () => {
      await using bed = await openTestbed({ engine })
      const audit = createAudit(bed.database, bed.vault, bed.clock, { rows: 4, days: 400 })
      await write(bed, 10, audit)
      expect(await audit.prune()).toBe(6)
      expect(await audit.prune()).toBe(0)
      expect((await rows(bed)).map(({ seq }) => seq)).toEqual([7, 8, 9, 10])
      expect(await verify(bed)).toMatchObject({ holds: true, first: 7, end: { seq: 10 } })
      await write(bed, 1, audit)
      expect(await verify(bed, { seq: 2, chain: 'x'.repeat(43) })).toMatchObject({
        holds: true,
        noted: 'pruned',
      })
      await bed.database.db.deleteFrom('audit_events').where('seq', '=', 7).execute()
      expect(await verify(bed)).toMatchObject({ holds: false, seq: 7 })
    })

    test('removes what is older than 400 days, and not a day before', async () => {
      await using bed = await openTestbed({ engine })
      await write(bed, 2)
      bed.clock.advance(dayMs)
      await write(bed, 2)
      bed.clock.advance(399 * dayMs)
      expect(await bed.audit.prune()).toBe(0)
      bed.clock.advance(1)
      expect(await bed.audit.prune()).toBe(2)
      expect(await verify(bed)).toMatchObject({ holds: true, first: 3, end: { seq: 4 } })
      bed.clock.advance(dayMs)
      expect(await bed.audit.prune()).toBe(2)
      await write(bed, 1)
      expect(await verify(bed)).toMatchObject({ holds: true, first: 5, end: { seq: 5 } })
    })

    test.for<[string, (bed: Testbed) => Promise<unknown>]>([
      [
        'rows made older',
        ({ database: { db } }) => db.updateTable('audit_events').set({ at: '2001-01-01' }).execute(),
      ],
      [
        'an end made later',
        ({ database: { db } }) => db.updateTable('audit_ends').set({ seq: 2_000_000_000 }).execute(),
      ],
      [
        'a gap among old rows',
        async ({ database: { db }, clock }) => {
          await db.deleteFrom('audit_events').where('seq', '=', 2).execute()
          clock.advance(500 * dayMs)
        },
      ],
    ])('does not wipe away the traces of %s', async ([, tamper]) => {
      await using bed = await openTestbed({ engine })
      await write(bed, 5)
      await tamper(bed)
      const before = (await rows(bed)).length
      await expect(bed.audit.prune()).rejects.toMatchObject({ code: 'audit-broken' })
      expect(await rows(bed)).toHaveLength(before)
      expect(await verify(bed)).toMatchObject({ holds: false })
    })
  })

  describe('a tally', () => {
    const counted = (count: number): unknown => expect.objectContaining({ count })
    const guess = (subject: string) => ({ action: 'password-wrong', actor: 'anonymous', subject })

    test('becomes one event per action and subject, with its count and first time', async () => {
      await using bed = await openTestbed({ engine })
      for (let n = 0; n < 1_000; n += 1) {
        bed.audit.tally(guess('api-user 7'))
        bed.clock.advance(10)
      }
      bed.audit.tally(guess('api-user 8'))
      expect(await rows(bed)).toHaveLength(0)
      await bed.audit.flush()
      await bed.audit.flush()
      expect(await events(bed)).toEqual([
        { ...guess('api-user 7'), details: { count: 1_000, since: '2026-03-01T12:00:00.000Z' } },
        { ...guess('api-user 8'), details: { count: 1, since: '2026-03-01T12:00:10.000Z' } },
      ])
      expect(await verify(bed)).toMatchObject({ holds: true, end: { seq: 2 } })
    })

    test('has room for a bounded number of subjects; the rest counts as others', async () => {
      await using bed = await openTestbed({ engine })
      for (let n = 0; n < 1_000; n += 1) bed.audit.tally(guess(`api-user ${String(n)}`))
      bed.audit.tally(guess('api-user 3'))
      bed.audit.tally({ ...guess('address'), action: 'secret-wrong' })
      await bed.audit.flush()
      const found = await events(bed)
      expect(found).toHaveLength(66)
      expect(found).toContainEqual({ ...guess('api-user 3'), details: counted(2) })
      const others = { actor: 'others', subject: 'others' }
      expect(found).toContainEqual({
        ...others,
        action: 'password-wrong',
        details: counted(936),
      })
      expect(found).toContainEqual({
        ...others,
        action: 'secret-wrong',
        details: counted(1),
      })
    })

    test('is kept while it cannot be written', async () => {
      await using bed = await openTestbed({ engine })
      const { schema } = bed.database.db
      bed.audit.tally(guess('api-user 7'))
      await schema.alterTable('audit_events').renameTo('away').execute()
      await expect(bed.audit.flush()).rejects.toThrow()
      bed.clock.advance(5_000)
      bed.audit.tally(guess('api-user 7'))
      await schema.alterTable('away').renameTo('audit_events').execute()
      await bed.audit.flush()
      expect(await events(bed)).toEqual([
        { ...guess('api-user 7'), details: { count: 2, since: '2026-03-01T12:00:00.000Z' } },
      ])
    })
  })
})

test('a noted end is read back as it was printed', () => {
  const link = { seq: 812, chain: 'aB-_'.repeat(11).slice(0, 43) }
  expect(parseLink(formatLink(link))).toEqual(link)
  for (const text of ['', '812', `x:${link.chain}`, `812:${link.chain}x`, `-1:${link.chain}`]) {
    expect(parseLink(text)).toBeUndefined()
  }
})
