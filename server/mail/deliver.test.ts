import { describe, expect, onTestFinished, test } from 'vitest'
import type { Core } from '../core.ts'
import { engines } from '../testbed.testing.ts'
import {
  openPostOffice,
  type PostOffice,
  queueMail,
  readMessage,
  type Running,
  startDelivery,
  startListener,
  startSmtp,
  storedMails,
  until,
} from './mail.testing.ts'
import { claimMails } from './store.ts'

const hourMs = 60 * 60_000
const dayMs = 24 * hourMs

/** A delivery that ends with the test, whatever it is doing. */
function deliver(core: Core, office: PostOffice, flags: Parameters<typeof startDelivery>[2]): Running {
  const running = startDelivery(core, office, flags)
  let ended: Promise<void> | undefined
  const stop = (): Promise<void> => (ended ??= running.stop())
  onTestFinished(async () => {
    const stopped = stop()
    office.clock.advance(hourMs)
    await stopped
  })
  return { ...running, stop }
}

async function states(core: Core): Promise<string[]> {
  return (await storedMails(core)).map(({ state }) => state)
}

/** Lets time pass in steps until it has come about; not under a mail in flight, whose lease would run out. */
async function passTime(
  { clock, cores: [core] }: PostOffice,
  stepMs: number,
  what: () => boolean | Promise<boolean>,
): Promise<void> {
  await until(async () => {
    if ((await storedMails(core)).every(({ leased_until }) => leased_until === null)) clock.advance(stepMs)
    return what()
  })
}

describe.each(engines)('mail delivery on %s', (engine) => {
  test('a mail leaves at once with both parts, and only what proves it stays', async () => {
    await using smtp = await startSmtp()
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    const { lines } = deliver(core, office, {
      smtpUrl: smtp.url,
      mailFrom: 'Salón Fénix <no-reply@lobby.example>',
    })
    await until(() => lines.some(({ msg }) => msg === 'mails can leave'))
    await queueMail(core)
    await until(async () => (await states(core))[0] === 'sent')

    const [row] = await storedMails(core)
    expect(row).toMatchObject({ content: null, attempts: 1, leased_until: null, last_error: null })
    expect(row?.settled_at).toBe(office.clock.now())
    expect(smtp.received).toHaveLength(1)
    const { from, to, raw } = smtp.received[0] ?? { from: '', to: [], raw: '' }
    expect([from, to]).toEqual(['no-reply@lobby.example', ['ana@example.com']])
    const { headers, parts } = readMessage(raw)
    expect(Object.fromEntries(headers)).toMatchObject({
      'message-id': `<${row?.message_id ?? ''}@lobby.example>`,
      date: 'Sun, 01 Mar 2026 12:00:00 +0000',
      from: 'Salón Fénix <no-reply@lobby.example>',
      to: 'ana@example.com',
      subject: 'Su código de verificación',
      'auto-submitted': 'auto-generated',
    })
    expect(parts).toEqual(
      new Map([
        ['text/plain', 'Su código es 123456.\nVálido 10 minutos.\n'],
        ['text/html', '<p>Su código es <b>123456</b>.</p>'],
      ]),
    )
    expect(JSON.stringify(lines)).not.toMatch(/ana@example|123456|verificación/)
  })

  test('a mail of a transaction that is undone never leaves', async () => {
    await using smtp = await startSmtp()
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    deliver(core, office, { smtpUrl: smtp.url })
    const undone = core.database.transact(async (tx) => {
      await core.mailbox.queue(tx, { to: 'x@example.com', subject: '', text: '', html: '' })
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    await queueMail(core)
    await until(async () => (await states(core)).join() === 'sent')
    expect(smtp.received.map(({ to }) => to)).toEqual([['ana@example.com']])
  })

  test('mails that another instance queued leave within seconds', async () => {
    await using smtp = await startSmtp()
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    const { lines } = deliver(core, office, { smtpUrl: smtp.url })
    await until(() => lines.some(({ msg }) => msg === 'mails can leave'))
    await core.database.transact((tx) =>
      tx
        .insertInto('mails')
        .values({
          message_id: 'm',
          content: core.vault.seal(
            'mails:m',
            JSON.stringify({ to: 'b@example.com', subject: 's', text: 't', html: 'h' }),
          ),
          state: 'pending',
          attempts: 0,
          due_at: office.clock.now(),
          give_up_at: '2027',
          queued_at: office.clock.now(),
        })
        .execute(),
    )
    await passTime(office, 1_000, () => smtp.received.length === 1)
    expect(Date.parse(office.clock.now()) - Date.parse('2026-03-01T12:00:00.000Z')).toBeLessThan(20_000)
  })

  test('an outage costs no attempt, is told once, is not hammered at, and afterwards each mail arrives once', async () => {
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    const triedAt: number[] = []
    const hangUp = await startListener((socket) => {
      triedAt.push(office.clock.monoMs())
      socket.destroy()
    })
    const { lines } = deliver(core, office, { smtpUrl: hangUp.url })
    for (let n = 0; n < 5; n += 1) await queueMail(core, { to: `p${String(n)}@example.com` })
    const told = (what: string) => lines.filter(({ msg }) => msg === what)
    await until(() => told('no mail can leave').length > 0)
    // While no time passes nothing is tried again, also when mails are queued.
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(triedAt).toHaveLength(1)
    await passTime(office, 1_000, () => triedAt.length >= 12)
    expect((triedAt[11] ?? 0) - (triedAt[6] ?? 0)).toBeGreaterThan(20_000)
    expect(told('no mail can leave')).toMatchObject([
      {
        level: 50,
        code: 'mail-server-unreachable',
        destination: `127.0.0.1:${String(hangUp.port)}`,
      },
    ])
    expect((await storedMails(core)).map(({ attempts }) => attempts)).toEqual([0, 0, 0, 0, 0])

    await hangUp[Symbol.asyncDispose]()
    await using smtp = await startSmtp({}, hangUp.port)
    await passTime(office, 1_000, () => smtp.received.length > 0)
    await until(async () => (await states(core)).every((state) => state === 'sent'))
    expect(smtp.received.map(({ to }) => to[0]).sort()).toEqual(
      [0, 1, 2, 3, 4].map((n) => `p${String(n)}@example.com`),
    )
    expect(told('mails can leave')).toHaveLength(1)
  })

  test('mails that no server took for three days are dead letters', async () => {
    await using hangUp = await startListener((socket) => socket.destroy())
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    deliver(core, office, { smtpUrl: hangUp.url })
    await queueMail(core)
    office.clock.advance(3 * dayMs - 1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await states(core)).toEqual(['pending'])
    await passTime(office, hourMs, async () => (await states(core))[0] === 'dead')
    expect((await storedMails(core))[0]).toMatchObject({ last_error: 'mail-server-unreachable' })
  })

  test('a greylisted mail is tried again within 30 s and then arrives', async () => {
    let refusals = 1
    await using smtp = await startSmtp({
      onRcptTo(_address, _session, callback) {
        if (refusals-- <= 0) callback()
        else callback(Object.assign(new Error('4.7.1 come back, ana@example.com'), { responseCode: 451 }))
      },
    })
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    const { lines } = deliver(core, office, { smtpUrl: smtp.url })
    await queueMail(core)
    await until(async () => (await storedMails(core))[0]?.last_error === 'mail-deferred')
    const [row] = await storedMails(core)
    expect(row).toMatchObject({ state: 'pending', attempts: 1, last_reply: '451 4.7.1', leased_until: null })
    const waitMs = Date.parse(row?.due_at ?? '') - Date.parse(office.clock.now())
    expect(waitMs).toBeGreaterThan(0)
    expect(waitMs).toBeLessThanOrEqual(30_000)
    await passTime(office, 5_000, async () => (await states(core))[0] === 'sent')
    expect(Date.parse(office.clock.now()) - Date.parse(row?.queued_at ?? '')).toBeLessThan(60_000)
    expect(smtp.received).toHaveLength(1)
    expect(JSON.stringify(lines)).not.toContain('ana@example.com')
  })

  test('a mail refused for good is a dead letter at once and holds up nobody', async () => {
    await using smtp = await startSmtp({
      onRcptTo({ address }, _session, callback) {
        if (!address.startsWith('nobody')) callback()
        else
          callback(Object.assign(new Error('5.1.1 no such user nobody@example.com'), { responseCode: 550 }))
      },
    })
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    const { lines } = deliver(core, office, { smtpUrl: smtp.url })
    await queueMail(core, { to: 'nobody@example.com' })
    await queueMail(core)
    await until(async () => (await states(core)).join() === 'dead,sent')
    const [dead] = await storedMails(core)
    expect(dead).toMatchObject({ attempts: 1, last_error: 'mail-refused', last_reply: '550 5.1.1' })
    expect(dead?.content).not.toBeNull()
    expect(lines.find(({ msg }) => msg === 'mail given up')).toMatchObject({
      level: 40,
      code: 'mail-refused',
    })
    expect(JSON.stringify(lines)).not.toContain('nobody')
  })

  test('a mail that breaks the connection holds up nobody and is given up after three days', async () => {
    await using smtp = await startSmtp()
    smtp.server.onData = (stream, session, callback) => {
      if (session.envelope.rcptTo[0]?.address !== 'poison@example.com') {
        smtp.take(stream, session, callback)
        return
      }
      for (const connection of smtp.server.connections) connection.close()
    }
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    const { lines } = deliver(core, office, { smtpUrl: smtp.url })
    await queueMail(core, { to: 'poison@example.com' })
    for (let n = 0; n < 10; n += 1) await queueMail(core, { to: `p${String(n)}@example.com` })
    await passTime(office, 1_000, () => smtp.received.length >= 10)
    expect(new Set(smtp.received.map(({ to }) => to[0])).size).toBe(10)
    expect(Date.parse(office.clock.now()) - Date.parse('2026-03-01T12:00:00.000Z')).toBeLessThan(hourMs)
    await passTime(office, hourMs, async () => (await states(core))[0] === 'dead')
    const [poison] = await storedMails(core)
    expect(poison?.attempts).toBeLessThan(150)
    expect(Date.parse(poison?.settled_at ?? '') - Date.parse(poison?.queued_at ?? '')).toBeGreaterThanOrEqual(
      3 * dayMs,
    )
    expect(lines.find(({ msg }) => msg === 'mail given up')).toMatchObject({ mail: poison?.id })
  }, 60_000)

  test('what is not a mail, or not for one address, is a dead letter that reaches no server', async () => {
    await using smtp = await startSmtp()
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    const wrong = [
      'a@example.com\r\nBcc: b@example.com',
      'a@example.com, b@example.com',
      'Ana <a@example.com>',
      'a@example.com>\r\nRCPT TO:<b@example.com',
      'a b@example.com',
      '',
      'a@',
    ]
    for (const to of wrong) await queueMail(core, { to })
    await queueMail(core)
    await core.database.transact((tx) =>
      tx.updateTable('mails').set({ content: 'd1.nonsense' }).where('id', '=', 8).execute(),
    )
    await queueMail(core, { subject: 'Hola\r\nBcc: b@example.com\r\n\r\nbody' })
    deliver(core, office, { smtpUrl: smtp.url })
    await until(async () => (await states(core)).every((state) => state !== 'pending'))
    expect((await storedMails(core)).map(({ last_error }) => last_error)).toEqual([
      ...Array.from({ length: 8 }, () => 'mail-invalid'),
      null,
    ])
    expect(smtp.received.map(({ to }) => to)).toEqual([['ana@example.com']])
    const { headers } = readMessage(smtp.received[0]?.raw ?? '')
    expect([headers.has('bcc'), headers.get('subject')]).toEqual([false, 'Hola Bcc: b@example.com body'])
  })

  test('a mail leased by a process that died is sent under the same Message-ID by the next', async () => {
    await using smtp = await startSmtp()
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    await queueMail(core)
    const now = office.clock.now()
    const leaseUntil = new Date(Date.parse(now) + 120_000).toISOString()
    const [claimed] = await core.database.transact((tx) => claimMails(tx, { now, leaseUntil, limit: 9 }))
    const { lines } = deliver(core, office, { smtpUrl: smtp.url })
    await until(() => lines.length > 0)
    if (engine === 'postgres') {
      // Another instance might still be at it.
      office.clock.advance(119_999)
      await new Promise((resolve) => setTimeout(resolve, 200))
      expect(smtp.received).toEqual([])
    }
    await until(() => {
      if (engine === 'postgres') office.clock.advance(500)
      return smtp.received.length === 1
    })
    const { headers } = readMessage(smtp.received[0]?.raw ?? '')
    expect(headers.get('message-id')).toBe(`<${claimed?.messageId ?? ''}@localhost>`)
    await until(async () => (await states(core))[0] === 'sent')
  })

  test('a mail server that takes for ever over a mail loses it before the lease ends', async () => {
    let taking = false
    await using smtp = await startSmtp({
      onData(stream) {
        taking = true
        stream.resume()
      },
    })
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    const { lines } = deliver(core, office, { smtpUrl: smtp.url })
    await queueMail(core)
    await until(() => taking)
    office.clock.advance(89_999)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(lines.map(({ msg }) => msg)).not.toContain('mail not sent yet')
    office.clock.advance(1)
    await until(async () => (await storedMails(core))[0]?.last_error === 'mail-server-unreachable')
    expect((await storedMails(core))[0]).toMatchObject({ state: 'pending', leased_until: null })
  })

  test('a failing database does not make a mail leave twice', async () => {
    await using smtp = await startSmtp()
    await using office = await openPostOffice(engine)
    const [core] = office.cores
    let failing = false
    smtp.server.onData = (stream, session, callback) => {
      failing = true
      smtp.take(stream, session, callback)
    }
    let failed = 0
    const database: Core['database'] = {
      ...core.database,
      transact: (work) => {
        if (!failing) return core.database.transact(work)
        failed += 1
        return Promise.reject(new Error('no database'))
      },
    }
    await queueMail(core)
    deliver({ ...core, database }, office, { smtpUrl: smtp.url })
    const soon = async (what: () => boolean | Promise<boolean>): Promise<void> =>
      until(() => {
        office.clock.advance(250)
        return what()
      })
    await soon(() => failed >= 5)
    failing = false
    await soon(async () => (await states(core))[0] === 'sent')
    office.clock.advance(hourMs)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(smtp.received).toHaveLength(1)
  })

  describe('stopping', () => {
    test('finishes the mail in flight and takes no further one', async () => {
      const answer = Promise.withResolvers<undefined>()
      const arrived = Promise.withResolvers<undefined>()
      await using smtp = await startSmtp()
      smtp.server.onData = (stream, session, callback) => {
        smtp.take(stream, session, () => {
          arrived.resolve(undefined)
          void answer.promise.then(() => {
            callback()
          })
        })
      }
      await using office = await openPostOffice(engine)
      const [core] = office.cores
      const running = deliver(core, office, { smtpUrl: smtp.url })
      await queueMail(core)
      await arrived.promise
      const stopped = running.stop()
      await queueMail(core, { to: 'late@example.com' })
      answer.resolve(undefined)
      await stopped
      expect(await states(core)).toEqual(['sent', 'pending'])
      expect(smtp.received).toHaveLength(1)
    })

    test.for<[string, (bytes: string) => string | undefined]>([
      ['never greets', () => undefined],
      ['never answers EHLO', (bytes) => (bytes === '' ? '220 hello\r\n' : undefined)],
    ])('does not wait for a server that %s', async ([, talk]) => {
      await using silent = await startListener((socket) => {
        const say = (bytes: string): void => void socket.write(talk(bytes) ?? '')
        say('')
        socket.setEncoding('utf8').on('data', say)
      })
      await using office = await openPostOffice(engine)
      const [core] = office.cores
      const running = deliver(core, office, { smtpUrl: silent.url })
      await queueMail(core)
      await until(() => silent.connections() > 0)
      const begun = performance.now()
      await running.stop()
      expect(performance.now() - begun).toBeLessThan(2_000)
      expect((await storedMails(core))[0]).toMatchObject({ state: 'pending', attempts: 0 })
    })

    test('cuts off a mail that hangs after 8 s, and it leaves later', async () => {
      let hanging = true
      await using smtp = await startSmtp()
      smtp.server.onData = (stream, session, callback) => {
        if (hanging) stream.resume()
        else smtp.take(stream, session, callback)
      }
      await using office = await openPostOffice(engine)
      const [core] = office.cores
      const running = deliver(core, office, { smtpUrl: smtp.url })
      await queueMail(core)
      await until(async () => (await storedMails(core))[0]?.attempts === 1)
      let stopped = false
      const ended = running.stop().then(() => (stopped = true))
      office.clock.advance(7_999)
      await new Promise((resolve) => setTimeout(resolve, 200))
      expect(stopped).toBe(false)
      office.clock.advance(1)
      await ended
      const [row] = await storedMails(core)
      expect(row).toMatchObject({ state: 'pending', leased_until: null })
      hanging = false
      deliver(core, office, { smtpUrl: smtp.url })
      await passTime(office, 1_000, () => smtp.received.length === 1)
    })
  })
})

test('of 200 mails three instances send each exactly once', async () => {
  await using smtp = await startSmtp()
  await using office = await openPostOffice('postgres', 3)
  const [first] = office.cores
  await first.database.transact(async (tx) => {
    for (let n = 0; n < 200; n += 1) {
      await first.mailbox.queue(tx, { to: `p${String(n)}@example.com`, subject: 's', text: 't', html: 'h' })
    }
  })
  const deliveries = office.cores.map((core) => deliver(core, office, { smtpUrl: smtp.url }))
  await until(async () => (await states(first)).every((state) => state === 'sent'))
  expect(smtp.received).toHaveLength(200)
  expect(new Set(smtp.received.map(({ to }) => to[0])).size).toBe(200)
  const sent = deliveries.map(({ lines }) => lines.filter(({ msg }) => msg === 'mail sent').length)
  expect(sent.reduce((sum, count) => sum + count)).toBe(200)
  // A test in which one instance did everything would show nothing.
  expect(Math.min(...sent)).toBeGreaterThan(0)
})
