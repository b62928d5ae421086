import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createLog } from '../../../shared/log.ts'
import { type Clock, systemClock } from '../../../shared/clock.ts'
import { readSettings } from '../../config.ts'
import { type Core, openCore } from '../../core.ts'
import { type Mail, openMail } from '../../mail/mailbox.ts'
import { newPostgresDatabase } from '../../postgres.testing.ts'
import { engines, type HandClock, handClock, openTestbed } from '../../testbed.testing.ts'
import { identify, sealPerson } from './person.ts'
import { johndoe, licence, person, registerAccount } from './registering.testing.ts'
import { createReminders, msToNextRun, reminderDays } from './reminders.ts'
import type { Registration } from '../../../shared/contracts/user-accounts.ts'

const log = createLog('test', 'fatal')
const dayMs = 24 * 60 * 60 * 1000

async function mails({ database, vault }: Core): Promise<Mail[]> {
  const rows = await database.db.selectFrom('mails').selectAll().orderBy('id').execute()
  return rows.flatMap(({ message_id: messageId, content }) => openMail(vault, { messageId, content }) ?? [])
}

async function states({ database: { db } }: Core): Promise<string[]> {
  const rows = await db.selectFrom('licence_reminders').selectAll().orderBy('due_on').execute()
  return rows.map(({ due_on, state }) => `${due_on} ${state}`)
}

/** Accounts with licences, without the cost of their passwords. */
async function plant({ database, vault }: Core, people: number[], dueOn: string[], expiresOn: string) {
  await database.transact(async (tx) => {
    for (const n of people) {
      const registration = person(n, licence) as Registration
      const identity = identify(vault, registration)
      await tx
        .insertInto('user_accounts')
        .values({
          id: n,
          ...identity,
          personal: sealPerson(vault, identity, registration),
          password_hash: '-',
          departamento_id: 1,
          role_id: 1,
          licencia_tipo: 3,
          created_at: '2026-01-01T00:00:00.000Z',
        })
        .execute()
      for (const due_on of dueOn) {
        await tx
          .insertInto('licence_reminders')
          .values({ account_id: n, due_on, expires_on: expiresOn, state: 'planned', settled_at: null })
          .execute()
      }
    }
  })
}

const numbers = (count: number) => Array.from({ length: count }, (_, place) => place + 1)

test.for<[string, string, string[]]>([
  ['two years ahead', '2028-02-29', ['2028-01-30', '2028-02-22', '2028-02-28']],
  ['31 days ahead', '2026-04-01', ['2026-03-02', '2026-03-25', '2026-03-31']],
  ['30 days ahead', '2026-03-31', ['2026-03-01', '2026-03-24', '2026-03-30']],
  ['29 days ahead', '2026-03-30', ['2026-03-23', '2026-03-29']],
  ['7 days ahead', '2026-03-08', ['2026-03-01', '2026-03-07']],
  ['6 days ahead', '2026-03-07', ['2026-03-06']],
  ['tomorrow', '2026-03-02', ['2026-03-01']],
  ['today', '2026-03-01', []],
  ['over', '2026-02-28', []],
  ['the end of all calendars', '9999-12-31', ['9999-12-01', '9999-12-24', '9999-12-30']],
  ['their beginning', '0001-01-01', []],
])('a licence that ends %s is planned for the days to come', ([, expiresOn, days]) => {
  expect(reminderDays(expiresOn, '2026-03-01')).toEqual(days)
})

test.for([
  ['2026-03-01T13:59:59.999Z', 1],
  ['2026-03-01T14:00:00.000Z', dayMs],
  ['2026-03-01T14:00:00.001Z', dayMs - 1],
  ['2026-07-01T02:00:00.000Z', dayMs / 2],
] as const)('from %s it is %i ms to eight in Guatemala', ([now, ms]) => {
  expect(msToNextRun(now)).toBe(ms)
})

describe.each(engines)('on %s', (engine) => {
  test('day by day, three mails leave on their days and on no other', async () => {
    await using bed = await openTestbed({ engine })
    await registerAccount(bed, johndoe({ ...licence, licenciaFechaVencimiento: '2026-04-15' }))
    const sentOn: string[] = []
    for (let day = 0; day < 60; day += 1) {
      // Started anew every day, and twice.
      for (const start of [1, 2]) {
        const sent = await createReminders(bed, bed.clock, log).sendDue()
        if (sent > 0) sentOn.push(`${bed.clock.now().slice(0, 10)} ${String(sent)} at start ${String(start)}`)
      }
      bed.clock.advance(dayMs)
    }
    expect(sentOn).toEqual(['2026-03-16 1 at start 1', '2026-04-08 1 at start 1', '2026-04-14 1 at start 1'])
    expect(await mails(bed)).toMatchObject([
      { to: 'john@example.com', subject: 'Su licencia de conducir vence en 30 días' },
      { to: 'john@example.com', subject: 'Su licencia de conducir vence en 7 días' },
      { to: 'john@example.com', subject: 'Su licencia de conducir vence mañana' },
    ])
    expect(await states(bed)).toEqual(['2026-03-16 sent', '2026-04-08 sent', '2026-04-14 sent'])
  })

  test('the mail says in Spanish what and when, the same in text and HTML, and nothing that was sent', async () => {
    await using bed = await openTestbed({ engine })
    const written = { usuarioNombre: 'Gane ya: https://example.com', usuarioApellido: '<b>' }
    await registerAccount(bed, johndoe({ ...licence, ...written, licenciaFechaVencimiento: '2026-03-08' }))
    await createReminders(bed, bed.clock, log).sendDue()
    const lines = [
      'Hola:',
      'Su licencia de conducir vence en 7 días, el 8 de marzo de 2026.',
      'Si ya la renovó, no tiene que hacer nada.',
      'Recibe este aviso automático porque esta dirección se indicó al registrar una cuenta; no responda a este correo.',
    ]
    expect(await mails(bed)).toEqual([
      {
        to: 'john@example.com',
        subject: 'Su licencia de conducir vence en 7 días',
        text: `${lines.join('\n\n')}\n`,
        html:
          '<!doctype html>\n<html lang="es">\n<meta charset="utf-8">\n<body>\n' +
          `${lines.map((line) => `<p>${line}</p>`).join('\n')}\n</body>\n</html>\n`,
      },
    ])
  })

  test.for<[string, string, string, string[]]>([
    ['one day late', '2026-03-17', 'en 29 días', ['sent', 'planned', 'planned']],
    ['past the next one too', '2026-04-10', 'en 5 días', ['skipped', 'sent', 'planned']],
    ['on the day before', '2026-04-14', 'mañana', ['skipped', 'skipped', 'sent']],
    ['on the last day', '2026-04-15', 'hoy', ['skipped', 'skipped', 'sent']],
    ['when all is over', '2026-04-16', '', ['skipped', 'skipped', 'skipped']],
    ['a year later', '2027-04-16', '', ['skipped', 'skipped', 'skipped']],
  ])('a server that comes back %s sends one mail at most', async ([, day, when, ends]) => {
    await using bed = await openTestbed({ engine })
    await plant(bed, [1], ['2026-03-16', '2026-04-08', '2026-04-14'], '2026-04-15')
    bed.clock.advance(Date.parse(`${day}T18:00:00Z`) - Date.parse(bed.clock.now()))
    expect(await createReminders(bed, bed.clock, log).sendDue()).toBe(when === '' ? 0 : 1)
    expect((await mails(bed)).map(({ subject }) => subject)).toEqual(
      when === '' ? [] : [`Su licencia de conducir vence ${when}`],
    )
    expect((await states(bed)).map((text) => text.slice(11))).toEqual(ends)
    expect(await createReminders(bed, bed.clock, log).sendDue()).toBe(0)
  })

  test('the day begins at midnight in Guatemala', async () => {
    await using bed = await openTestbed({ engine })
    await plant(bed, [1], ['2026-03-02'], '2026-03-03')
    const reminders = createReminders(bed, bed.clock, log)
    bed.clock.advance(Date.parse('2026-03-02T05:59:59Z') - Date.parse(bed.clock.now()))
    expect(await reminders.sendDue()).toBe(0)
    bed.clock.advance(1_000)
    expect(await reminders.sendDue()).toBe(1)
  })

  test('a registration in the evening of Guatemala counts from that day, not from the next of UTC', async () => {
    await using bed = await openTestbed({ engine })
    bed.clock.advance(Date.parse('2026-03-02T05:00:00Z') - Date.parse(bed.clock.now()))
    await registerAccount(bed, johndoe({ ...licence, licenciaFechaVencimiento: '2026-03-08' }))
    expect(await states(bed)).toEqual(['2026-03-01 planned', '2026-03-07 planned'])
  })

  test('more people than one transaction takes all get their mail, each one', async () => {
    await using bed = await openTestbed({ engine })
    await plant(bed, numbers(120), ['2026-02-20', '2026-02-28'], '2026-03-01')
    expect(await createReminders(bed, bed.clock, log).sendDue()).toBe(120)
    expect(new Set((await mails(bed)).map(({ to }) => to)).size).toBe(120)
    expect(await mails(bed)).toHaveLength(120)
  })

  test('an account that cannot be read keeps nobody else waiting', async () => {
    await using bed = await openTestbed({ engine })
    await plant(bed, [1, 2, 3], ['2026-03-01'], '2026-03-02')
    await bed.database.db
      .updateTable('user_accounts')
      .set({ personal: 'd2020-01-01-abcdef.AAAA' })
      .where('id', '=', 2)
      .execute()
    const told: unknown[] = []
    const listening = createLog('test', 'error', { write: (line) => void told.push(JSON.parse(line)) })
    expect(await createReminders(bed, bed.clock, listening).sendDue()).toBe(2)
    expect((await mails(bed)).map(({ to }) => to)).toEqual(['p1@example.com', 'p3@example.com'])
    expect((await states(bed)).map((text) => text.slice(11)).sort()).toEqual(['failed', 'sent', 'sent'])
    expect(told).toMatchObject([{ level: 'error', accountId: 2 }])
  })

  test('reminders and their mails are stored together or not at all', async () => {
    await using bed = await openTestbed({ engine })
    await plant(bed, [1], ['2026-03-01'], '2026-03-02')
    const { schema } = bed.database.db
    const reminders = createReminders(bed, bed.clock, log)
    await schema.alterTable('mails').renameTo('mails_away').execute()
    await expect(reminders.sendDue()).rejects.toThrow()
    expect(await states(bed)).toEqual(['2026-03-01 planned'])
    await schema.alterTable('mails_away').renameTo('mails').execute()
    expect(await reminders.sendDue()).toBe(1)
  })

  test('instances that run at once send each mail once', async () => {
    await using cores = await openCores(engine, engine === 'postgres' ? 2 : 1)
    const [first, second = first] = cores.all
    await plant(first, numbers(130), ['2026-02-20', '2026-03-01'], '2026-03-05')
    const sent = await Promise.all(
      [first, second, first, second].map((core) => createReminders(core, cores.clock, log).sendDue()),
    )
    expect(sent.reduce((sum, some) => sum + some)).toBe(130)
    const addresses = (await mails(first)).map(({ to }) => to)
    expect([addresses.length, new Set(addresses).size]).toEqual([130, 130])
  })

  test('runs at once, then every day at eight in Guatemala, and again soon where it failed', async () => {
    await using bed = await openTestbed({ engine })
    await plant(bed, [1], ['2026-03-01', '2026-03-02', '2026-03-03'], '2026-03-04')
    const stop = new AbortController()
    const { schema } = bed.database.db
    const wakes: string[] = []
    const clock: Clock = {
      ...bed.clock,
      async sleep(ms) {
        bed.clock.advance(ms)
        const [mail] = (await mails(bed)).slice(-1)
        wakes.push(`${bed.clock.now()} ${mail?.subject.slice(24) ?? ''}`)
        if (wakes.length === 1) await schema.alterTable('licence_reminders').renameTo('away').execute()
        if (wakes.length === 3) await schema.alterTable('away').renameTo('licence_reminders').execute()
        if (wakes.length === 6) stop.abort()
      },
    }
    await createReminders(bed, clock, log).run(stop.signal)
    expect(wakes).toEqual([
      '2026-03-01T14:00:00.000Z vence en 3 días',
      '2026-03-01T14:05:00.000Z vence en 3 días',
      '2026-03-01T14:10:00.000Z vence en 3 días',
      '2026-03-02T14:00:00.000Z vence en 3 días',
      '2026-03-03T14:00:00.000Z vence en 2 días',
      '2026-03-04T14:00:00.000Z vence mañana',
    ])
  })

  test('ends with its signal, however long there is to wait', async () => {
    await using bed = await openTestbed({ engine })
    const stop = new AbortController()
    const running = createReminders(bed, systemClock, log).run(stop.signal)
    stop.abort()
    await running
  })
})

/** So many instances of the program's core on one database. */
async function openCores(
  engine: 'sqlite' | 'postgres',
  count: number,
): Promise<AsyncDisposable & { all: [Core, ...Core[]]; clock: HandClock }> {
  await using stack = new AsyncDisposableStack()
  const data = stack.adopt(mkdtempSync(join(tmpdir(), 'vlt-reminders-')), (path) => {
    rmSync(path, { recursive: true, force: true })
  })
  const databaseUrl = engine === 'postgres' ? stack.use(await newPostgresDatabase()).url : undefined
  const clock = handClock()
  const open = async () => stack.use(await openCore(readSettings({ data, databaseUrl }, {}), clock, 'server'))
  const all: [Core, ...Core[]] = [await open()]
  while (all.length < count) all.push(await open())
  const opened = stack.move()
  return { all, clock, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
