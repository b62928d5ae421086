import { describe, expect, test } from 'vitest'
import { openPlace, type Place } from '../place.testing.ts'
import { engines, send } from '../testbed.testing.ts'

async function audit(place: Place, ...args: string[]): Promise<[unknown, string, string]> {
  const command = await place.run('audit', ...args)
  return [await command.ended, command.stdout(), command.stderr().split('\n')[0] ?? '']
}

async function record({ core }: Place, ...actions: string[]): Promise<void> {
  for (const action of actions) {
    const event = { action, actor: 'operator', subject: 'client 1', details: { n: 1 } }
    await core.database.transact((tx) => core.audit.record(tx, event))
  }
}

describe.each(engines)('on %s', (engine) => {
  test(
    'events are listed, and the trail verified, beside a running server',
    { timeout: 120_000 },
    async () => {
      await using place = await openPlace(engine)
      const server = await place.serve()
      expect(await audit(place, 'verify')).toEqual([0, 'the audit trail holds: it has no events\n', ''])
      await record(place, 'one', 'two', 'three')

      const [, json] = await audit(place, 'list', '--json')
      const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string
      const event = { at: time, actor: 'operator', subject: 'client 1', details: { n: 1 } }
      expect(JSON.parse(json)).toEqual([
        { seq: 1, action: 'one', ...event },
        { seq: 2, action: 'two', ...event },
        { seq: 3, action: 'three', ...event },
      ])
      const [, text] = await audit(place, 'list', '--limit', '2')
      expect(text).toMatch(
        /^SEQ +AT +ACTION +ACTOR +SUBJECT +DETAILS\n2 +\S+ +two +.*\n3 +\S+ +three +operator +client 1 +\{"n":1\}\n$/,
      )
      expect((await audit(place, 'list', '--json', '--since', '2999-01-01'))[1]).toBe('[]\n')
      expect(
        JSON.parse((await audit(place, 'list', '--json', '--since', '2020-01-01T00:00:00Z'))[1]),
      ).toHaveLength(3)

      const [code, verified] = await audit(place, 'verify')
      const end = /its end (3:\S{43})\n$/.exec(verified)?.[1] ?? ''
      expect([code, verified]).toEqual([0, `the audit trail holds from row 1 to its end ${end}\n`])
      expect(await audit(place, 'verify', '--json', '--noted', end)).toEqual([
        0,
        `{"holds":true,"first":1,"end":"${end}"}\n`,
        '',
      ])

      await place.core.database.db
        .updateTable('audit_events')
        .set({ actor: 'nobody' })
        .where('seq', '=', 2)
        .execute()
      const fault = 'it was changed, put in or moved, or rows before it were replaced'
      expect(await audit(place, 'verify')).toEqual([
        1,
        '',
        `error audit-broken: row 2 does not hold: ${fault}`,
      ])
      expect((await audit(place, 'verify', '--json'))[1]).toBe(
        `${JSON.stringify({ holds: false, seq: 2, fault })}\n`,
      )
      expect(server.process.exitCode).toBeNull()
    },
  )

  test(
    'what a server has counted is written when it stops, and its log tells the end',
    { timeout: 60_000 },
    async () => {
      await using place = await openPlace(engine)
      await record(place, 'before')
      const server = await place.serve()
      for (let n = 0; n < 3; n += 1) {
        const headers = { 'content-type': 'application/json', 'x-client-secret': 'wrong' }
        await send(server.port ?? 0, { path: '/v1/cards/authenticate', headers, body: '{}' })
      }
      const subjects = async (): Promise<string[]> =>
        (await place.core.database.db.selectFrom('audit_events').selectAll().orderBy('seq').execute()).map(
          ({ subject, details }) => `${subject} ${details.replace(/,"since":"[^"]+"/, '')}`,
        )
      expect(await subjects()).toEqual(['client 1 {"n":1}'])
      server.process.kill('SIGTERM')
      expect(await server.ended).toBe(0)
      expect(await subjects()).toEqual(['client 1 {"n":1}', 'client-secret unknown {"count":3}'])
      const told = /"end":"(1:[\w-]{43})"/.exec(server.stderr())?.[1] ?? ''
      expect((await audit(place, 'verify', '--noted', told))[0]).toBe(0)
    },
  )
})

test.for<[string[], string]>([
  [['list', '--limit', '0'], '--limit must be a whole number from 1'],
  [['list', '--limit', '1e3'], '--limit must be a whole number from 1'],
  [['list', '--since', 'yesterday'], '--since must be a time such as 2026-03-01T12:00:00Z'],
  [['list', '--since', '2026-02-30T99:00:00Z'], '--since must be a time such as 2026-03-01T12:00:00Z'],
  [['verify', '--noted', '12'], '--noted must be an end as `vlt-server audit verify` prints it: 812:Xy…'],
])('audit %j', async ([args, complaint]) => {
  await using place = await openPlace('sqlite')
  expect(await audit(place, ...args)).toEqual([2, '', `error usage: ${complaint}`])
})
