import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { memoryLog, wakingClock } from '../mail/mail.testing.ts'
import { openTestbed } from '../testbed.testing.ts'
import { flushTallies, tellEnd } from './upkeep.ts'

test('tallies are written each minute, also after a minute in which they could not be', async () => {
  await using bed = await openTestbed()
  const { schema } = bed.database.db
  const clock = wakingClock()
  const { log, lines } = memoryLog()
  const stop = new AbortController()
  const running = flushTallies(bed.audit, stop.signal, clock, log)
  const event = { action: 'password-wrong', actor: 'anonymous', subject: 'api-user 7' }
  const count = async (): Promise<number> =>
    (await bed.database.db.selectFrom('audit_events').select('seq').execute()).length
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 20; n += 1) await delay(1)
  }

  bed.audit.tally(event)
  clock.advance(59_999)
  await settle()
  expect(await count()).toBe(0)
  clock.advance(1)
  await settle()
  expect(await count()).toBe(1)

  bed.audit.tally(event)
  await schema.alterTable('audit_ends').renameTo('away').execute()
  clock.advance(60_000)
  await settle()
  expect(lines.map(({ msg }) => msg)).toEqual(['audit events could not be written; they are kept'])
  await schema.alterTable('away').renameTo('audit_ends').execute()
  clock.advance(60_000)
  await settle()
  expect(await count()).toBe(2)

  stop.abort()
  await running
})

test('the end of the trail is told to the log', async () => {
  await using bed = await openTestbed()
  const { log, lines } = memoryLog()
  await bed.database.transact((tx) => bed.audit.record(tx, { action: 'a', actor: 'server', subject: 's' }))
  await tellEnd(bed.database, log)
  expect(lines[0]?.['end']).toMatch(/^1:[\w-]{43}$/)
})
