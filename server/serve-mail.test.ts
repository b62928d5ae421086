import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { queueMail, readMessage, startListener, startSmtp, storedMails, until } from './mail/mail.testing.ts'
import { openPlace } from './place.testing.ts'
import { engines } from './testbed.testing.ts'

const messageIds = (received: { raw: string }[]) =>
  received.map(({ raw }) => readMessage(raw).headers.get('message-id'))

describe.each(engines)('a server on %s', (engine) => {
  test('killed while it sends, started again: the mail arrives, recognisable as the same', async () => {
    await using place = await openPlace(engine)
    const { core } = place
    await using smtp = await startSmtp()
    let server = await place.serve('--smtp-url', smtp.url)
    // The mail server has the whole mail, and nobody will hear its yes.
    smtp.server.onData = (stream, session, callback) => {
      smtp.take(stream, session, () => {
        server.process.kill('SIGKILL')
        void server.ended.then(() => {
          callback()
        })
      })
    }
    await queueMail(core)
    expect(await server.ended).toBe('SIGKILL')
    smtp.server.onData = smtp.take
    expect(await storedMails(core)).toMatchObject([{ state: 'pending', attempts: 1 }])
    if (engine === 'postgres') {
      // Another instance waits for the end of the lease.
      await core.database.transact((tx) =>
        tx.updateTable('mails').set({ leased_until: new Date().toISOString() }).execute(),
      )
    }
    server = await place.serve('--smtp-url', smtp.url)
    await until(async () => (await storedMails(core))[0]?.state === 'sent')
    const ids = messageIds(smtp.received)
    expect(ids).toHaveLength(2)
    expect(ids[0]).toBe(ids[1])
    server.process.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })

  test('asked to end while it sends, it finishes the mail', async () => {
    await using place = await openPlace(engine)
    await using smtp = await startSmtp()
    const server = await place.serve('--smtp-url', smtp.url)
    smtp.server.onData = (stream, session, callback) => {
      smtp.take(stream, session, () => {
        server.process.kill('SIGTERM')
        setTimeout(callback, 1_500)
      })
    }
    await queueMail(place.core)
    expect(await server.ended).toBe(0)
    expect(smtp.received).toHaveLength(1)
    expect((await storedMails(place.core))[0]?.state).toBe('sent')
  })
})

test('a mail server that never answers does not hold up the end', async () => {
  await using place = await openPlace('sqlite')
  await using smtp = await startSmtp({ onData: (stream) => stream.resume() })
  const server = await place.serve('--smtp-url', smtp.url)
  await queueMail(place.core)
  await until(async () => (await storedMails(place.core))[0]?.attempts === 1)
  const begun = performance.now()
  server.process.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  expect(performance.now() - begun).toBeLessThan(12_000)
  expect((await storedMails(place.core))[0]).toMatchObject({ state: 'pending', leased_until: null })
})

test('without a mail server mails become files, and the old ones are forgotten', async () => {
  await using place = await openPlace('sqlite')
  await queueMail(place.core)
  const old = new Date(Date.now() - 31 * 24 * 60 * 60_000).toISOString()
  await queueMail(place.core)
  await place.core.database.transact((tx) =>
    tx
      .updateTable('mails')
      .set({ state: 'sent', content: null, settled_at: old })
      .where('id', '=', 1)
      .execute(),
  )
  const server = await place.serve()
  const mails = join(place.folder, 'mail')
  await until(async () => (await storedMails(place.core)).map(({ state }) => state).join() === 'sent')
  const [name, ...others] = readdirSync(mails)
  expect(others).toEqual([])
  const { headers } = readMessage(readFileSync(join(mails, name ?? ''), 'utf8'))
  expect(headers.get('subject')).toBe('Su código de verificación')
  expect(server.stderr()).not.toMatch(/ana@example|123456/)
})

test('a mail server that is down is told once, and health does not know of it', async () => {
  await using place = await openPlace('sqlite')
  await using hangUp = await startListener((socket) => socket.destroy())
  const server = await place.serve('--smtp-url', hangUp.url.replace('//', '//user:s3cret@'))
  await queueMail(place.core)
  await until(() => server.stderr().includes('no mail can leave'))
  const ready = await fetch(`http://127.0.0.1:${String(server.port)}/health/ready`)
  expect([ready.status, await ready.text()]).toEqual([200, '{"status":"ready"}'])
  await until(() => hangUp.connections() >= 2)
  server.process.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  const told = server.stderr().split('\n')
  expect(told.filter((line) => line.includes('no mail can leave'))).toHaveLength(1)
  expect(told.filter((line) => line.includes('no --mail-from'))).toHaveLength(1)
  expect(server.stderr()).not.toMatch(/s3cret|ana@example/)
})

test.for<[string, string[]]>([
  ['a sender that is none', ['--mail-from', 'Lobby']],
  ['a mail server with a path', ['--smtp-url', 'smtp://mail.example/x']],
])('%s is refused at the start', async ([, flags]) => {
  await using place = await openPlace('sqlite')
  const server = await place.serve(...flags)
  expect(await server.ended).toBe(3)
  expect(server.stderr()).toContain(`${flags[0] ?? ''}: must`)
})
