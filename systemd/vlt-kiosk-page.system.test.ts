import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'

const here = import.meta.dirname
const flags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
].join(' ')
/** So long a browser may take to ask for the page it was told to open; milliseconds. */
const patienceMs = 6_000

let folder: string
let site: Server
let port: number
/** By which name the page was asked for. */
let asked: (string | undefined)[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vlt-policies-'))
  site = createServer(({ headers }, response) => {
    asked.push(headers.host)
    response.setHeader('content-type', 'text/html').end('<title>page</title>')
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  port = (site.address() as AddressInfo).port
})
afterAll(async () => {
  site.closeAllConnections()
  site.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** Whether Chromium asks for an address under these policies, which are the machine's for this one browser alone. */
async function opens(policies: string, address: string): Promise<boolean> {
  const file = join(folder, 'policies.json')
  await writeFile(file, policies)
  const managed = '/etc/chromium/policies/managed'
  const script =
    `mount -t tmpfs tmpfs /etc/chromium && mkdir -p ${managed} && cp ${file} ${managed} && ` +
    `exec chromium ${flags} --user-data-dir=$(mktemp -d -p ${folder}) ${address}`
  asked = []
  const browser = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: 'ignore', detached: true })
  const ended = once(browser, 'exit')
  for (let waitedMs = 0; asked.length === 0 && waitedMs < patienceMs; waitedMs += 100) await delay(100)
  if (browser.pid !== undefined) process.kill(-browser.pid, 'SIGKILL')
  await ended
  return asked.length > 0
}

test('the policies let the browser open the page, and nothing else', async () => {
  const stored = await readFile(join(here, 'vlt-kiosk-page.policies.json'), 'utf8')
  const policies = stored.replace('127.0.0.1:8090', `127.0.0.1:${String(port)}`)
  const other = `http://localhost:${String(port)}/`
  expect(await opens(policies, `http://127.0.0.1:${String(port)}/`)).toBe(true)
  expect(await opens(policies, other)).toBe(false)
  // And it is they who forbid it.
  expect(await opens('{}', other)).toBe(true)
})

test('unit, policies and users name the same port, files and user', async () => {
  const [unit = '', policies = '', users = ''] = await Promise.all(
    ['service', 'policies.json', 'sysusers.conf'].map((kind) =>
      readFile(join(here, `vlt-kiosk-page.${kind}`), 'utf8'),
    ),
  )
  const { URLAllowlist } = JSON.parse(policies) as { URLAllowlist: string[] }
  expect(URLAllowlist).toEqual(['http://127.0.0.1:8090', 'file:///run/vlt-kiosk-page/enter.html'])
  expect(unit).toContain('RuntimeDirectory=vlt-kiosk-page\n')
  expect(unit).toContain('--page-secret-file /etc/vlt-kiosk/page-secret')
  expect(unit).toContain('User=vlt-kiosk-page\n')
  expect(users).toMatch(/^u vlt-kiosk-page /m)
})
