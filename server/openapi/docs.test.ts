import { expect, test } from 'vitest'
import { openTestbed, send, type Received } from '../testbed.testing.ts'

async function get(port: number, path: string): Promise<Received> {
  return send(port, { method: 'GET', path, headers: {} })
}

/** What the page at a path loads, as a browser understands it. */
async function loadedBy(port: number, path: string): Promise<string[]> {
  const { body } = await get(port, path)
  const references = [...body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address = '']) => address)
  return references.map((address) => new URL(address, `http://here${path}`).href)
}

test.for(['/docs', '/docs/'])('%s is a page that runs nothing inline', async (path) => {
  await using bed = await openTestbed()
  const { status, headers, body } = await get(bed.port, path)
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  expect(body).not.toMatch(/<script(?![^>]* src=)|<style| on\w+=| style=/)
  const policy = String(headers['content-security-policy']).split('; ')
  expect(policy).toEqual(
    expect.arrayContaining(["default-src 'none'", "script-src 'self'", "connect-src 'self'"]),
  )
  // Neither hosts nor schemes but data: for the icons in the style sheet.
  expect(policy.join(' ')).not.toMatch(/unsafe|https?:|\*|\w\.\w/)
})

test('everything the page loads is there, may be kept, and comes from this server', async () => {
  await using bed = await openTestbed()
  const found = (await loadedBy(bed.port, '/docs')).map((address) => address.replace(/^http:\/\/here\//, '/'))
  expect(found.map((address) => address.split('/').at(-1)).sort()).toEqual([
    'favicon-32x32.png',
    'index.css',
    'initializer.js',
    'swagger-ui-bundle.js',
    'swagger-ui.css',
  ])
  const types = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', png: 'image/png' }
  for (const address of found) {
    expect(address).toMatch(/^\/docs\/\d+\.\d+\.\d+-[0-9a-f]{8}\//)
    const { status, headers, body } = await get(bed.port, address)
    const type = types[address.split('.').at(-1) as keyof typeof types]
    expect([
      status,
      headers['content-type'],
      headers['cache-control'],
      headers['x-content-type-options'],
    ]).toEqual([200, type, 'public, max-age=31536000, immutable', 'nosniff'])
    expect(body.length).toBeGreaterThan(100)
    // What a style sheet names is loaded with it; the bundle only names addresses that people may click.
    if (type === types.css) expect(body).not.toMatch(/url\(\s*["']?(?!["']?data:)|@import/)
    if (address.endsWith('initializer.js')) {
      expect(body).toContain('validatorUrl: null')
      expect(body).toContain("url: new URL('../../openapi.json', document.currentScript.src).pathname")
      expect(body).not.toMatch(/\/\//)
    }
  }
})

test.for(['/docs/x', '/docs/5.35.0/package.json', '/docs/../package.json', '/docs/%2e%2e/package.json'])(
  '%s is no file of the page',
  async (path) => {
    await using bed = await openTestbed()
    expect((await get(bed.port, path)).status).toBe(404)
  },
)

test.for(['/docs', '/docs/', '/docs?a=/', '/docs/?a', '/below/docs', '/below/docs/'])(
  'a browser that is at %s loads from beside it',
  async (path) => {
    await using bed = await openTestbed()
    const place = path.startsWith('/below') ? '/below' : ''
    const asked = path.slice(place.length)
    const { body } = await get(bed.port, asked)
    const [first = ''] = [...body.matchAll(/src="([^"]*)"/g)].map(([, address = '']) => address)
    expect(new URL(first, `http://here${path}`).href).toMatch(
      new RegExp(`^http://here${place}/docs/[^/]+/swagger-ui-bundle.js$`),
    )
  },
)
