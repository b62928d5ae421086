import { describe, expect, test } from 'vitest'
import type { Core } from '../core.ts'
import { engines } from '../testbed.testing.ts'
import { createMailDesk } from './desk.ts'
import { exampleMail, openPostOffice, queueMail, storedMails } from './mail.testing.ts'
import { claimMails, markFailed, markSent } from './store.ts'
import { pruneMails, readMailBacklog } from './upkeep.ts'

const dayMs = 24 * 60 * 60_000

function audited({ database }: Core) {
  return database.query((db) =>
    db.selectFrom('audit_events').select(['action', 'actor', 'subject', 'details']).orderBy('seq').execute(),
  )
}

describe.each(engines)('mails in the hands of staff, on %s', (engine) => {
  /** Five mails: sent, dead, dead, being sent, waiting. */
  async function openDesk() {
    const office = await openPostOffice(engine)
    const { clock, cores } = office
    const [core] = cores
    for (let n = 1; n <= 5; n += 1) await queueMail(core, { to: `p${String(n)}@example.com` })
    const now = clock.now()
    const leaseUntil = new Date(Date.parse(now) + 120_000).toISOString()
    await core.database.transact(async (tx) => {
      const [sent, ...dead] = await claimMails(tx, { now, leaseUntil, limit: 3 })
      await markSent(tx, sent?.id ?? 0, now)
      const failure = { error: 'mail-refused', reply: '550 5.1.1', dueAt: undefined, at: now }
      for (const one of dead) await markFailed(tx, one, failure)
      await claimMails(tx, { now, leaseUntil, limit: 1 })
    })
    return {
      core,
      clock,
      desk: createMailDesk(core, clock),
      [Symbol.asyncDispose]: () => office[Symbol.asyncDispose](),
    }
  }

  test('the list tells states and reasons, newest first, and never whom or what', async () => {
    await using office = await openDesk()
    const { desk, clock } = office
    const all = await desk.list(undefined, 100)
    expect(all.map(({ id, state }) => [id, state])).toEqual([
      [5, 'pending'],
      [4, 'pending'],
      [3, 'dead'],
      [2, 'dead'],
      [1, 'sent'],
    ])
    expect(all[3]).toEqual({
      id: 2,
      messageId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      state: 'dead',
      attempts: 1,
      queuedAt: clock.now(),
      dueAt: null,
      settledAt: clock.now(),
      lastError: 'mail-refused',
      lastReply: '550 5.1.1',
    })
    expect((await desk.list('dead', 1)).map(({ id }) => id)).toEqual([3])
    expect(await desk.show(2)).toEqual(all[3])
    await expect(desk.show(6)).rejects.toMatchObject({ code: 'mail-unknown' })
    expect(await audited(office.core)).toEqual([])
  })

  test('what a mail says is shown while it is there, and that it was shown stays known', async () => {
    await using office = await openDesk()
    const { desk, core } = office
    expect(await desk.reveal(2)).toMatchObject({ id: 2, mail: exampleMail({ to: 'p2@example.com' }) })
    expect(await desk.reveal(1)).toMatchObject({ id: 1, mail: null })
    await expect(desk.reveal(6)).rejects.toMatchObject({ code: 'mail-unknown' })
    expect(await audited(core)).toEqual([
      { action: 'mail-revealed', actor: 'operator', subject: 'mail 2', details: '{}' },
      { action: 'mail-revealed', actor: 'operator', subject: 'mail 1', details: '{}' },
    ])
  })

  test('a dead letter gets its three days again', async () => {
    await using office = await openDesk()
    const { desk, core, clock } = office
    clock.advance(10 * dayMs)
    expect(await desk.retry(2)).toBe(1)
    expect((await storedMails(core))[1]).toMatchObject({
      state: 'pending',
      attempts: 0,
      due_at: clock.now(),
      settled_at: null,
      give_up_at: new Date(Date.parse(clock.now()) + 3 * dayMs).toISOString(),
    })
    for (const id of [1, 2, 4]) {
      await expect(desk.retry(id)).rejects.toMatchObject({ code: 'mail-settled' })
    }
    await expect(desk.retry(6)).rejects.toMatchObject({ code: 'mail-unknown' })
    expect(await desk.retry('all')).toBe(1)
    expect(await desk.retry('all')).toBe(0)
    expect(await audited(core)).toEqual([
      { action: 'mail-retried', actor: 'operator', subject: 'mail 2', details: '{"mails":1}' },
      { action: 'mail-retried', actor: 'operator', subject: 'dead letters', details: '{"mails":1}' },
    ])
  })

  test('what has not left, and is not leaving, can be discarded', async () => {
    await using office = await openDesk()
    const { desk, core, clock } = office
    for (const id of [1, 4]) {
      await expect(desk.discard(id, 'r')).rejects.toMatchObject({ code: 'mail-settled' })
    }
    await expect(desk.discard(6, 'r')).rejects.toMatchObject({ code: 'mail-unknown' })
    await desk.discard(2, 'wrong template')
    await desk.discard(5, 'test')
    clock.advance(120_000)
    await desk.discard(4, 'its sender died')
    expect((await storedMails(core)).map(({ id }) => id)).toEqual([1, 3])
    expect(await audited(core)).toEqual([
      {
        action: 'mail-discarded',
        actor: 'operator',
        subject: 'mail 2',
        details: '{"reason":"wrong template"}',
      },
      { action: 'mail-discarded', actor: 'operator', subject: 'mail 5', details: '{"reason":"test"}' },
      {
        action: 'mail-discarded',
        actor: 'operator',
        subject: 'mail 4',
        details: '{"reason":"its sender died"}',
      },
    ])
  })

  test('the backlog counts what has not left', async () => {
    await using office = await openDesk()
    const { core, clock, desk } = office
    clock.advance(90_500)
    await queueMail(core)
    expect(await readMailBacklog(core.database, clock)).toEqual({
      pending: 3,
      dead: 2,
      oldestPendingSeconds: 90.5,
    })
    for (const id of [2, 3, 5, 6]) await desk.discard(id, 'r')
    clock.advance(dayMs)
    await desk.discard(4, 'r')
    expect(await readMailBacklog(core.database, clock)).toEqual({
      pending: 0,
      dead: 0,
      oldestPendingSeconds: 0,
    })
  })

  test('what has left is forgotten after 30 days, and nothing else is', async () => {
    await using office = await openDesk()
    const { core, clock } = office
    clock.advance(30 * dayMs)
    expect(await pruneMails(core.database, clock)).toBe(0)
    clock.advance(1)
    expect(await pruneMails(core.database, clock)).toBe(1)
    expect((await storedMails(core)).map(({ id }) => id)).toEqual([2, 3, 4, 5])
  })
})
