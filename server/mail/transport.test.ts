import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { readSettings } from '../config.ts'
import { selfSigned } from '../tls/certificates.testing.ts'
import { exampleMail, readMessage, startListener, startSmtp } from './mail.testing.ts'
import type { MailFault } from './smtp-fault.ts'
import { createMailTransport, type MailTransport } from './transport.ts'

const never = new AbortController().signal
const outgoing = {
  ...exampleMail(),
  messageId: '6f1c0f6e-0000-4000-8000-000000000001',
  queuedAt: '2026-03-01T12:00:00.123Z',
}

/** Closed when the test ends. */
function transport(flags: Record<string, unknown>): MailTransport {
  const opened = createMailTransport(readSettings(flags, {}))
  onTestFinished(() => {
    opened.close()
  })
  return opened
}

describe('by SMTP', () => {
  const trusted = selfSigned()
  beforeEach(() => {
    setDefaultCACertificates([...getCACertificates('bundled'), trusted.cert])
  })
  afterEach(() => {
    setDefaultCACertificates(getCACertificates('bundled'))
  })
  const offering = { disabledCommands: [] as string[] }

  /** What both a check and a real send come to. */
  async function outcomes(smtpUrl: string): Promise<(MailFault | undefined)[]> {
    const mails = transport({ smtpUrl })
    return [await mails.check(never), await mails.send(outgoing, never)]
  }

  function asUser(url: string, host = '127.0.0.1'): string {
    return url.replace('//127.0.0.1', `//us%40er:p%3Aass@${host}`)
  }

  test('STARTTLS is used where it is offered', async () => {
    await using smtp = await startSmtp({ ...offering, cert: trusted.cert, key: trusted.key })
    expect(await outcomes(smtp.url)).toEqual([undefined, undefined])
    expect(smtp.received.map(({ secure }) => secure)).toEqual([true])
  })

  test('a server by its name', async () => {
    await using smtp = await startSmtp()
    expect(await outcomes(smtp.url.replace('127.0.0.1', 'localhost'))).toEqual([undefined, undefined])
  })

  test('TLS from the first byte', async () => {
    await using smtp = await startSmtp({ secure: true, cert: trusted.cert, key: trusted.key })
    expect(await outcomes(smtp.url.replace('smtp:', 'smtps:'))).toEqual([undefined, undefined])
    expect(smtp.received.map(({ secure }) => secure)).toEqual([true])
  })

  test.for<[string, Partial<Parameters<typeof selfSigned>[0]> | undefined, string]>([
    ['of an unknown authority', undefined, 'smtp:'],
    ['of an unknown authority, from the first byte', undefined, 'smtps:'],
    ['that expired', { until: '2021-01-01T00:00:00.000Z' }, 'smtp:'],
  ])('nothing is sent to a server with a certificate %s', async ([, valid, protocol]) => {
    const { cert, key } = selfSigned(valid)
    if (valid !== undefined) setDefaultCACertificates([cert])
    await using smtp = await startSmtp({ ...offering, secure: protocol === 'smtps:', cert, key })
    expect(await outcomes(smtp.url.replace('smtp:', protocol))).toEqual([
      { code: 'mail-server-tls', reply: undefined },
      { code: 'mail-server-tls', reply: undefined },
    ])
    expect(smtp.received).toEqual([])
  })

  test('a certificate for another name is refused', async () => {
    await using smtp = await startSmtp({ ...offering, cert: trusted.cert, key: trusted.key })
    const [fault] = await outcomes(smtp.url.replace('127.0.0.1', '0.0.0.0'))
    expect(fault).toEqual({ code: 'mail-server-tls', reply: undefined })
  })

  describe('logging in', () => {
    const logins: string[] = []
    const users: NonNullable<Parameters<typeof startSmtp>[0]> = {
      authOptional: false,
      allowInsecureAuth: true,
      onAuth({ username, password }, _session, callback) {
        logins.push(`${username ?? ''} ${password ?? ''}`)
        if (password === 'p:ass') callback(null, { user: 1 })
        else callback(new Error('no'))
      },
    }
    beforeEach(() => {
      logins.length = 0
    })

    test('with what the URL holds, on this machine also in the clear', async () => {
      await using smtp = await startSmtp(users)
      expect(await outcomes(asUser(smtp.url))).toEqual([undefined, undefined])
      expect(logins).toEqual(['us@er p:ass', 'us@er p:ass'])
    })

    test('never in the clear over a network', async () => {
      await using smtp = await startSmtp(users)
      const [checked, sent] = await outcomes(asUser(smtp.url, '0.0.0.0'))
      expect([checked?.code, sent?.code]).toEqual(['mail-server-tls', 'mail-server-tls'])
      expect(logins).toEqual([])
    })

    test('refused', async () => {
      await using smtp = await startSmtp(users)
      const fault = { code: 'mail-server-login', reply: '535' }
      expect(await outcomes(smtp.url.replace('//', '//user:wrong@'))).toEqual([fault, fault])
      expect(smtp.received).toEqual([])
    })

    test('without a login a server that wants one says so', async () => {
      await using smtp = await startSmtp(users)
      const mails = transport({ smtpUrl: smtp.url })
      expect(await mails.send(outgoing, never)).toEqual({ code: 'mail-server-login', reply: '530' })
    })

    test('a server that offers no login gets no mail of one who meant to log in', async () => {
      await using smtp = await startSmtp({ disabledCommands: ['AUTH', 'STARTTLS'] })
      const [checked, sent] = await outcomes(asUser(smtp.url))
      expect([checked?.code, sent?.code]).toEqual(['mail-server-login', 'mail-server-login'])
      expect(smtp.received).toEqual([])
    })
  })

  test('a sender the server does not take', async () => {
    await using smtp = await startSmtp({
      onMailFrom: (_address, _session, callback) => {
        callback(Object.assign(new Error('5.7.1 not you'), { responseCode: 553 }))
      },
    })
    const mails = transport({ smtpUrl: smtp.url })
    expect(await mails.send(outgoing, never)).toEqual({ code: 'mail-sender-refused', reply: '553 5.7.1' })
  })

  test('a program that is no mail server', async () => {
    await using web = await startListener((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const fault = { code: 'mail-server-unreachable', reply: undefined }
    expect((await outcomes(web.url)).map((got) => got?.code)).toEqual([fault.code, fault.code])
  })

  test('breaking a send off ends it at once', async () => {
    await using smtp = await startSmtp({ onData: (stream) => stream.resume() })
    const mails = transport({ smtpUrl: smtp.url })
    const cut = new AbortController()
    const sending = mails.send(outgoing, cut.signal)
    setTimeout(() => {
      cut.abort()
    }, 100)
    expect(await sending).toEqual({ code: 'mail-server-unreachable', reply: undefined })
  })

  test('one connection serves several mails', async () => {
    let connections = 0
    await using smtp = await startSmtp({
      onConnect(_session, callback) {
        connections += 1
        callback()
      },
    })
    const mails = transport({ smtpUrl: smtp.url })
    for (let n = 0; n < 5; n += 1) expect(await mails.send(outgoing, never)).toBeUndefined()
    expect([smtp.received.length, connections]).toEqual([5, 1])
  })
})

describe('as files', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vlt-eml-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  test('a mail is one whole file for its owner alone, named after time and id', async () => {
    const mails = transport({ data: folder })
    expect(await mails.check(never)).toBeUndefined()
    const long = `Línea larga ${'ñandú '.repeat(60)}\n.\nfin`
    expect(await mails.send({ ...outgoing, text: long }, never)).toBeUndefined()
    expect(mails.destination).toBe(join(folder, 'mail'))
    const [name, ...others] = readdirSync(mails.destination)
    expect(name).toBe('20260301T120000123Z-6f1c0f6e-0000-4000-8000-000000000001.eml')
    expect(others).toEqual([])
    const path = join(mails.destination, name ?? '')
    expect([statSync(path).mode & 0o777, statSync(mails.destination).mode & 0o777]).toEqual([0o600, 0o700])
    const { headers, parts } = readMessage(readFileSync(path, 'utf8'))
    expect(Object.fromEntries(headers)).toMatchObject({
      'message-id': '<6f1c0f6e-0000-4000-8000-000000000001@localhost>',
      date: 'Sun, 01 Mar 2026 12:00:00 +0000',
      from: 'VLT Kiosk <no-reply@localhost>',
      to: 'ana@example.com',
      subject: 'Su código de verificación',
      'auto-submitted': 'auto-generated',
      'mime-version': '1.0',
    })
    expect(headers.get('content-type')).toMatch(/^multipart\/alternative;/)
    expect(parts).toEqual(
      new Map([
        ['text/plain', long],
        ['text/html', outgoing.html],
      ]),
    )
  })

  test('a mail written again after a crash stays one file', async () => {
    const mails = transport({ mailDir: folder })
    await mails.check(never)
    writeFileSync(join(folder, `.20260301T120000123Z-${outgoing.messageId}.eml.draft`), 'half a ma')
    for (let n = 0; n < 2; n += 1) expect(await mails.send(outgoing, never)).toBeUndefined()
    expect(readdirSync(folder)).toHaveLength(1)
  })

  test('a folder that cannot be is a fault, not a lost mail', async () => {
    writeFileSync(join(folder, 'file'), '')
    const mails = transport({ mailDir: join(folder, 'file', 'mail') })
    expect([await mails.check(never), await mails.send(outgoing, never)]).toEqual([
      { code: 'mail-folder-unusable' },
      { code: 'mail-folder-unusable' },
    ])
  })
})
