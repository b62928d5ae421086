import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { openPlace, type Place } from '../place.testing.ts'
import { engines, register } from '../testbed.testing.ts'
import { confirm } from './confirm.ts'

async function run(place: Place, ...args: string[]): Promise<[unknown, string, string]> {
  const command = await place.run(...args)
  return [await command.ended, command.stdout(), command.stderr().split('\n')[0] ?? '']
}

describe.each(engines)('on %s', (engine) => {
  test('a person is exported and erased beside a running server', { timeout: 120_000 }, async () => {
    await using place = await openPlace(engine)
    const server = await place.serve('--vlt-destination', 'lobby')
    const { port = 0 } = server
    await register(port, {}, { headers: { 'idempotency-key': 'k' } })
    const { personal } = await place.core.database.db
      .selectFrom('clients')
      .select('personal')
      .executeTakeFirstOrThrow()

    const [code, text, talk] = await run(place, 'export', '--client', '1')
    expect([code, talk]).toEqual([0, ''])
    expect(JSON.parse(text)).toMatchObject({
      subject: 'client 1',
      client: { person: { correo: 'cliente70@gmail.com', dni: '74658993' } },
      keptAnswers: [{ idempotencyKey: 'k' }],
    })

    for (const args of [[], ['--no-input']]) {
      expect(await run(place, 'erase', '--client', '1', ...args)).toEqual([
        1,
        '',
        'error not-confirmed: this cannot be undone',
      ])
    }
    expect((await run(place, 'export', '--client', '1'))[1]).toContain('74658993')

    expect(await run(place, 'erase', '--client', '1', '--yes')).toEqual([0, 'client 1 is erased\n', ''])
    expect(await run(place, 'erase', '--client', '1', '--yes', '--no-input')).toEqual([
      0,
      'client 1 was erased before\n',
      '',
    ])
    const left = (await run(place, 'export', '--client', '1'))[1]
    expect(left).not.toMatch(/74658993|cliente70|Brandon|Bolognesi/)
    if (engine === 'sqlite') {
      for (const file of ['server.db', 'server.db-wal']) {
        expect(readFileSync(join(place.folder, file), 'latin1')).not.toContain(personal.slice(-40))
      }
    }
    expect((await register(port, { codigoClienteVLT: 5, dni: '5', tarjeta: 'B1D3CCDB' })).status).toBe(201)
    expect(server.stderr()).not.toMatch(/74658993|cliente70|Brandon/)
    const events = await place.core.database.db
      .selectFrom('audit_events')
      .selectAll()
      .orderBy('seq')
      .execute()
    expect(events.map(({ action, subject }) => `${action} ${subject}`)).toEqual([
      'person-exported client 1',
      'person-exported client 1',
      'person-erased client 1',
      'person-exported client 1',
    ])
  })
})

test.for<[string[], string]>([
  [['export'], 'error usage: give one of --client, --customer, --user, --registration'],
  [
    ['erase', '--client', '7', '--user', '7'],
    'error usage: give one of --client, --customer, --user, --registration',
  ],
  [['export', '--customer', '7'], 'error person-unknown: there is nobody of that id'],
  [['export', '--user', '7'], 'error person-unknown: there is nobody of that id'],
  [['export', '--registration', 'A8F121PIO1R7I'], 'error person-unknown: there is nobody of that id'],
  [['export', '--client', '7'], 'error person-unknown: there is nobody of that id'],
  [['erase', '--client', '7', '--yes'], 'error person-unknown: there is nobody of that id'],
])('%j', async ([args, complaint]) => {
  await using place = await openPlace('sqlite')
  const [code, stdout, stderr] = await run(place, ...args)
  expect([code, stdout, stderr.startsWith(complaint)]).toEqual([2, '', true])
})

function terminal(isTTY = true) {
  const stop = new AbortController()
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const errorStream = new PassThrough()
  return { stdin, errorStream, stop: stop.signal, abort: stop }
}

test.for(['y', 'Y', 'yes', ' sí ', 's'])('"%s" on the terminal is a yes', async (answer) => {
  const asked = terminal()
  asked.stdin.write(`${answer}\n`)
  await confirm('Erase?', { mayAsk: true, terminal: asked })
  expect(String(asked.errorStream.read())).toContain('Erase? [y/N] ')
})

test.for(['', 'n', 'no', 'yess', 'si no'])('"%s" on the terminal is a no', async (answer) => {
  const asked = terminal()
  asked.stdin.write(`${answer}\n`)
  const asking = confirm('Erase?', { mayAsk: true, terminal: asked })
  await expect(asking).rejects.toMatchObject({ code: 'not-confirmed' })
})

test('a question that is broken off, or may not be asked, is a no', async () => {
  const interrupted = terminal()
  const asking = confirm('Erase?', { mayAsk: true, terminal: interrupted })
  interrupted.abort.abort()
  await expect(asking).rejects.toMatchObject({ code: 'not-confirmed' })
  const ended = terminal()
  const waiting = confirm('Erase?', { mayAsk: true, terminal: ended })
  ended.stdin.end()
  await expect(waiting).rejects.toMatchObject({ code: 'not-confirmed' })
  for (const parts of [
    { mayAsk: false, terminal: terminal() },
    { mayAsk: true, terminal: terminal(false) },
  ]) {
    await expect(confirm('Erase?', parts)).rejects.toMatchObject({ code: 'not-confirmed' })
  }
})
