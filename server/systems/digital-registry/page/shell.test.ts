import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { engines, send, type Received } from '../../../testbed.testing.ts'
import { newCode, openRegistry, type Registry } from '../registry.testing.ts'
import { openBrowser } from './browser.testing.ts'

const pageOf = (code: string): string => `/digital/index.php?cod=${code}`
const form = { 'content-type': 'application/x-www-form-urlencoded' }

const headingOf = ({ body }: Received): string => /<h1>([^<]*)<\/h1>/.exec(body)?.[1] ?? ''
const get = (bed: Registry, path: string, headers: Record<string, string> = {}) =>
  send(bed.port, { method: 'GET', path, headers })

/** What every answer of the page has, whatever it says. */
function expectPage({ headers, body }: Received): void {
  const style = /<style>([^]*)<\/style>/.exec(body)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'x-robots-tag': 'noindex, nofollow',
    'x-content-type-options': 'nosniff',
  })
  expect(body.match(/<h1>/g)).toHaveLength(1)
  for (const landmark of [
    '<header>',
    '<main>',
    '<html lang="',
    'name="robots" content="noindex, nofollow"',
  ]) {
    expect(body).toContain(landmark)
  }
  expect(body).not.toMatch(/<script| style="| on\w+="/i)
}

describe.each(engines)('on %s', (engine) => {
  test('links that lead nowhere get a kind page with the right status', async () => {
    await using bed = await openRegistry({ engine })
    const malformed = [
      '/digital/index.php',
      '/digital/index.php?cod=',
      pageOf('AAAAAAAAAAAA'),
      pageOf('AAAAAAAAAAAAAA'),
      pageOf('AAAAAAAAAAAA%00'),
      pageOf('AAAAAAAAAAAA%D1'),
      `${pageOf('AAAAAAAAAAAAA')}&cod=BBBBBBBBBBBBB`,
      '/digital/index.php?COD=AAAAAAAAAAAAA',
      '/digital/index.php?cod=%3Cscript%3E%3C/script%3E',
    ]
    for (const path of malformed) {
      for (const method of ['GET', 'POST']) {
        const body = method === 'POST' ? 'paso=documento' : ''
        const received = await send(bed.port, { method, path, headers: form, body })
        expect([path, received.status, headingOf(received)]).toEqual([path, 400, 'El enlace está incompleto'])
        expectPage(received)
      }
    }
    const unknown = await get(bed, pageOf('AAAAAAAAAAAAA'))
    expect([unknown.status, headingOf(unknown)]).toEqual([404, 'No encontramos este registro'])
    expectPage(unknown)
    const sent = { path: pageOf('AAAAAAAAAAAAA'), headers: form }
    for (const body of ['paso=documento&documento=1', 'paso=confirmacion&acepto=si&version=1']) {
      const received = await send(bed.port, { ...sent, body })
      expect([received.status, headingOf(received)]).toEqual([404, 'No encontramos este registro'])
    }
  })

  test('a code typed in small letters is the same code', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    expect((await get(bed, pageOf(`%20${code.toLowerCase()}%20`))).status).toBe(200)
  })

  test('what people wrote is shown as text, never as markup', async () => {
    await using bed = await openRegistry({ engine })
    const { id: entityId } = await bed.accounts.addEntity('<b>&"Banco"</b>')
    await bed.accounts.addApiUser({ username: 'x', password: 'ClaveDeMarkup', entityId, api: true })
    const Nombres = `<img src=x onerror="alert(1)"> '</title>`
    const changes = { Username: 'x', Password: 'ClaveDeMarkup', Nombres, Dni: '<i>1234567', TipoDni: 8 }
    const code = await newCode(bed.port, changes)
    const browser = openBrowser(bed.port)
    const first = await browser.open(pageOf(code))
    const second = await browser.submit({ documento: 'i1234567' })
    for (const seen of [first, second]) {
      expect(seen.status).toBe(200)
      expect(seen.body).toContain('&lt;b&gt;&amp;&quot;Banco&quot;&lt;/b&gt;')
      expect(seen.body).not.toMatch(/<img|<b>|<i>/)
    }
    expect(second.body).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt; &#39;&lt;/title&gt;')
    expect(second.body).toContain('&lt;i&gt;1234567')
  })

  test('forms say what they are about to eye and ear alike', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const browser = openBrowser(bed.port)
    const wrong = { documento: '1' }
    const right = { documento: '987654321' }
    const pages = [await browser.open(pageOf(code)), await browser.submit(wrong)]
    pages.push(await browser.submit(right), await browser.submit())
    expect(pages.map(({ status }) => status)).toEqual([200, 400, 200, 400])
    for (const [place, { body, title, ...rest }] of pages.entries()) {
      expectPage({ ...rest, body })
      const ids = [...body.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
      expect(new Set(ids).size).toBe(ids.length)
      const inputs = body.match(/<input\s+type="(text|checkbox)"/g) ?? []
      expect(inputs).toHaveLength(1)
      expect(body).toMatch(/<label for="documento">|<label class="check"\s*><input\s/)
      for (const [, references = ''] of body.matchAll(/(?:aria-describedby|for)="([^"]*)"/g)) {
        for (const id of references.split(' ')) expect(ids).toContain(id)
      }
      const isError = place % 2 === 1
      expect(title.startsWith('Error: ')).toBe(isError)
      expect(body.includes('role="alert"')).toBe(isError)
      expect(body.includes('aria-invalid="true"')).toBe(isError)
      for (const [, target] of body.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(target)
    }
  })
})

describe('the frame of the page', () => {
  test.for<[string, string, Record<string, string>, number, string]>([
    ['GET', '/digital', {}, 404, 'Esta página no existe'],
    ['GET', '/digital/', {}, 404, 'Esta página no existe'],
    ['GET', '/digital/index.html', {}, 404, 'Esta página no existe'],
    ['POST', '/digital/%E0%A4%A', {}, 404, 'Esta página no existe'],
    ['PUT', '/digital/index.php', {}, 405, 'Esta página no se usa así'],
    ['DELETE', pageOf('AAAAAAAAAAAAA'), {}, 405, 'Esta página no se usa así'],
    [
      'POST',
      pageOf('AAAAAAAAAAAAA'),
      { 'content-type': 'application/json' },
      415,
      'No pudimos leer su respuesta',
    ],
    ['POST', pageOf('AAAAAAAAAAAAA'), {}, 415, 'No pudimos leer su respuesta'],
    ['POST', pageOf('AAAAAAAAAAAAA'), form, 400, 'No pudimos leer su respuesta'],
  ])('%s %s with %j', async ([method, path, headers, status, heading]) => {
    await using bed = await openRegistry({ engine: 'sqlite' })
    const body = method === 'POST' ? 'paso=otro' : ''
    const received = await send(bed.port, { method, path, headers, body })
    expect([received.status, headingOf(received)]).toEqual([status, heading])
    expect(received.headers['allow']).toBe(status === 405 ? 'GET, HEAD, POST' : undefined)
    expectPage(received)
    expect(received.body).toContain('<section class="other" lang="en">')
  })

  test('an answer that is too long is told so', async () => {
    await using bed = await openRegistry({ engine: 'sqlite' })
    const sent = { path: pageOf('AAAAAAAAAAAAA'), headers: form, body: 'x'.repeat(1_000_000) }
    const received = await send(bed.port, sent)
    expect([received.status, headingOf(received)]).toEqual([413, 'Su respuesta es demasiado larga'])
    expectPage(received)
  })

  test('too many visits are told when to come back, and are not those of the API', async () => {
    await using bed = await openRegistry({ engine: 'sqlite', flags: { rateLimit: 2 } })
    const code = await newCode(bed.port)
    await get(bed, pageOf(code))
    await get(bed, pageOf(code))
    const received = await get(bed, pageOf(code))
    expect([received.status, headingOf(received)]).toEqual([429, 'Demasiadas visitas'])
    expect(received.headers['retry-after']).toBe('60')
    expectPage(received)
    await newCode(bed.port)
  })

  test('HEAD and OPTIONS are answered without a body', async () => {
    await using bed = await openRegistry({ engine: 'sqlite' })
    const path = pageOf('AAAAAAAAAAAAA')
    const head = await send(bed.port, { method: 'HEAD', path, headers: {} })
    expect([head.status, head.body, head.headers['content-type']]).toEqual([
      404,
      '',
      'text/html; charset=utf-8',
    ])
    const options = await send(bed.port, { method: 'OPTIONS', path, headers: {} })
    expect([options.status, options.body, options.headers['allow']]).toEqual([200, '', 'GET, HEAD, POST'])
  })

  test('over plain HTTP it asks for HTTPS, in HTML, and redirects nowhere', async () => {
    await using bed = await openRegistry({ engine: 'sqlite', flags: { insecureLoopback: false } })
    for (const method of ['GET', 'POST']) {
      const received = await send(bed.port, {
        method,
        path: pageOf('AAAAAAAAAAAAA'),
        headers: { ...form, 'x-forwarded-proto': 'https' },
      })
      expect([received.status, headingOf(received)]).toEqual([403, 'Use una conexión segura'])
      expect(received.headers).not.toHaveProperty('location')
      expect(received.headers).not.toHaveProperty('strict-transport-security')
      expectPage(received)
    }
  })

  test('over HTTPS its cookie is for HTTPS alone, unreadable for scripts and other sites', async () => {
    const proxied = { trustedProxy: ['127.0.0.1/32'], flags: { insecureLoopback: false } }
    await using bed = await openRegistry({ engine: 'sqlite', ...proxied })
    const https = { 'x-forwarded-proto': 'https' }
    const registered = await send(bed.port, {
      path: '/api/digital/crear/registro.php',
      headers: { ...https, 'content-type': 'application/json' },
      body: JSON.stringify({
        Username: '123456789',
        Password: 'MiClaveSegura',
        Dni: '987654321',
        TipoDni: 1,
        Nombres: 'Jorge',
      }),
    })
    const code = (JSON.parse(registered.body) as { data: { Codigo: string } }).data.Codigo
    const { status, headers } = await send(bed.port, {
      path: pageOf(code),
      headers: { ...form, ...https },
      body: 'paso=documento&documento=987654321',
    })
    expect([status, headers['strict-transport-security']]).toEqual([303, 'max-age=31536000'])
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^prueba=\d{13}\.[\w-]{43}; Max-Age=900; HttpOnly; SameSite=Strict; Secure$/),
    ])
  })

  test('its colours have a contrast of seven to one, and what one touches is 48 pixels high', async () => {
    await using bed = await openRegistry({ engine: 'sqlite' })
    const { body } = await get(bed, '/digital/index.php')
    const style = /<style>([^]*)<\/style>/.exec(body)?.[1] ?? ''
    const texts = [...style.matchAll(/[{;]color:(#[0-9a-f]{6})/g)].map(([, colour = '']) => colour)
    expect(texts.length).toBeGreaterThan(4)
    for (const text of texts) {
      for (const ground of ['#ffffff', '#f3f5f8']) expect(contrast(text, ground)).toBeGreaterThanOrEqual(7)
    }
    for (const ground of ['#0b3d6b', '#072a4a']) {
      expect(style).toContain(`background:${ground}`)
      expect(contrast('#ffffff', ground)).toBeGreaterThanOrEqual(7)
    }
    const rootPx = 16 * 1.125
    const heights = [...style.matchAll(/min-height:([\d.]+)rem/g)].map(([, rem]) => Number(rem) * rootPx)
    expect(heights.length).toBeGreaterThan(3)
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(48)
  })
})

/** WCAG 2.2: relative luminance and contrast ratio. */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
