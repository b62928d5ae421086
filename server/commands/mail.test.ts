import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import { queueMail, startSmtp, storedMails, until } from '../mail/mail.testing.ts'
import { openPlace } from '../place.testing.ts'
import { engines } from '../testbed.testing.ts'
import { addMail } from './mail.ts'

test.for(engines)(
  'mails are listed, shown, retried and discarded beside a running server on %s',
  async (engine) => {
    await using place = await openPlace(engine)
    await using smtp = await startSmtp({
      onRcptTo(_address, _session, callback) {
        callback(Object.assign(new Error('5.1.1 no'), { responseCode: 550 }))
      },
    })
    const server = await place.serve('--smtp-url', smtp.url)
    for (const to of ['a@example.com', 'b@example.com']) await queueMail(place.core, { to })
    await until(async () => (await storedMails(place.core)).every(({ state }) => state === 'dead'))

    const ok = async (...args: string[]): Promise<string> => {
      const command = await place.run('mail', ...args)
      expect([await command.ended, command.stderr()]).toEqual([0, ''])
      return command.stdout()
    }
    const listed = JSON.parse(await ok('list', '--state', 'dead', '--json')) as { id: number }[]
    expect(listed.map(({ id }) => id)).toEqual([2, 1])
    const lines = (await ok('list')).trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatch(/^ID {2}STATE {2}ATTEMPTS {2}QUEUED +NEXT OR SETTLED +LAST ERROR$/)
    expect(lines[1]).toMatch(/^2 +dead +1 +\S+Z +\S+Z +mail-refused 550 5\.1\.1$/)
    expect(await ok('show', '1')).not.toContain('example.com')
    expect(JSON.parse(await ok('show', '1', '--reveal'))).toMatchObject({ mail: { to: 'a@example.com' } })
    expect(await ok('discard', '1', '--reason', 'a test')).toBe('mail 1 discarded\n')
    smtp.server.onRcptTo = (_address, _session, callback) => {
      callback()
    }
    expect(await ok('retry', '--dead')).toBe('1 to be sent again\n')
    await until(() => smtp.received.length === 1)
    await until(async () => (await storedMails(place.core))[0]?.state === 'sent')
    expect(server.stderr()).not.toContain('example.com')
  },
)

test('a test mail leaves at once, or says why it cannot', async () => {
  await using place = await openPlace('sqlite')
  await using smtp = await startSmtp()
  const sent = await place.run('mail', 'test', 'ana@example.com', '--smtp-url', smtp.url)
  expect([await sent.ended, sent.stdout()]).toEqual([0, `sent to ${new URL(smtp.url).host}\n`])
  expect(smtp.received).toHaveLength(1)

  smtp.server.onRcptTo = (_address, _session, callback) => {
    callback(Object.assign(new Error('5.1.1 ana@example.com'), { responseCode: 550 }))
  }
  const refused = await place.run('mail', 'test', 'ana@example.com', '--smtp-url', smtp.url)
  expect(await refused.ended).not.toBe(0)
  expect(refused.stderr()).toContain(`mail-refused: not sent by ${new URL(smtp.url).host} 550 5.1.1`)
  expect(refused.stderr()).not.toContain('ana@example.com')

  const filed = await place.run('mail', 'test', 'ana@example.com', '--json')
  expect(JSON.parse((await filed.ended) === 0 ? filed.stdout() : '{}')).toEqual({
    sentTo: join(place.folder, 'mail'),
  })
  expect(readdirSync(join(place.folder, 'mail'))).toHaveLength(1)
})

test.for<[string[], string, string]>([
  [['test', 'ana@example.com, bob@example.com'], 'usage', 'give one address, such as ana@example.com'],
  [['show', 'x'], 'usage', '"x" is no id: give a number that `vlt-server mail list` shows'],
  [['show', '7'], 'mail-unknown', 'there is no mail 7'],
  [['show', '2147483647'], 'mail-unknown', 'there is no mail 2147483647'],
  [['retry'], 'usage', 'give an id, or --dead'],
  [['retry', '1', '--dead'], 'usage', 'give an id, or --dead'],
  [['list', '--state', 'gone'], 'usage', '--state must be pending, sent, dead'],
  [['list', '--limit', '0'], 'usage', '--limit must be a whole number from 1'],
  [['list', '--limit', '1e3'], 'usage', '--limit must be a whole number from 1'],
  [['discard', '1', '--reason', ' '], 'usage', '--reason must be a line of 1 to 200 characters'],
  [['discard', '1', '--reason', 'a\nb'], 'usage', '--reason must be a line of 1 to 200 characters'],
  [['discard', '1', '--reason', 'x'.repeat(201)], 'usage', '--reason must be a line of 1 to 200 characters'],
])('mail %j', async ([args, code, message]) => {
  await using place = await openPlace('sqlite')
  const printed: string[] = []
  const program = new Command('vlt-server').exitOverride()
  addMail(program, {
    env: {},
    print: (line) => void printed.push(line),
    stdin: process.stdin,
    errorStream: process.stderr,
    stop: new AbortController().signal,
    onHangup: () => undefined,
  })
  const ran = program.parseAsync(['mail', ...args, '--data', place.folder], { from: 'user' })
  await expect(ran).rejects.toMatchObject({ code, message })
  expect(printed).toEqual([])
})
