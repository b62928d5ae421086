import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock, type Clock } from '../../shared/clock.ts'
import { showPage, type BrowserSession } from './browser-session.ts'

/** A hundred times faster than the wall's. */
const clock: Clock = {
  now: () => systemClock.now(),
  monoMs: () => systemClock.monoMs() * 100,
  sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
}

let folder: string
let agent: Server
/** What the agent says of the page; undefined: it is away. */
let health: { isAlive: boolean; ageMs: number | null } | undefined
let asked: number
const stop = { over: new AbortController() }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'session-'))
  stop.over = new AbortController()
  health = { isAlive: true, ageMs: 1 }
  asked = 0
  agent = createServer((request, response) => {
    if (request.url === '/health/page') asked += 1
    if (health === undefined) response.destroy()
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(health))
  })
  await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  stop.over.abort()
  agent.close()
  rmSync(folder, { recursive: true })
})

/** A browser that writes down the address it was given, and then stays. */
const browser = (then = 'sleep 60'): string[] => ['sh', '-c', `echo "$0" > ${folder}/opened; ${then}`]

function show(changes: Partial<BrowserSession> = {}): Promise<string> {
  const url = `http://127.0.0.1:${String((agent.address() as AddressInfo).port)}/`
  const session = { url, secret: undefined, runtime: folder, command: browser(), ...changes }
  return showPage(session, clock, stop.over.signal).then(
    () => 'stopped',
    (error: unknown) => (error as Error).message,
  )
}

const opened = (): Promise<string> =>
  vi.waitFor(() => {
    const text = readFileSync(join(folder, 'opened'), 'utf8').trim()
    expect(text).not.toBe('')
    return text
  })

async function looks(times: number): Promise<void> {
  const before = asked
  await vi.waitFor(() => {
    expect(asked).toBeGreaterThan(before + times)
  })
}

test('a page that lives is left alone, and the browser ends with the session', async () => {
  const shown = show()
  expect(await opened()).toMatch(/^http:/)
  await looks(5)
  stop.over.abort()
  expect(await shown).toBe('stopped')
})

test('a page that falls silent ends the session', async () => {
  const shown = show()
  await opened()
  await looks(3)
  health = { isAlive: false, ageMs: 20_000 }
  expect(await shown).toBe('the page says nothing any more')
})

test('a browser that never shows the page ends the session too, after its time', async () => {
  health = { isAlive: false, ageMs: null }
  const shown = show()
  await opened()
  await looks(5)
  expect(await Promise.race([shown, Promise.resolve('still shown')])).toBe('still shown')
  expect(await shown).toBe('the page says nothing any more')
})

test('an agent that is away, or has just come back, is no fault of the page', async () => {
  const shown = show()
  await opened()
  await looks(2)
  health = undefined
  await looks(5)
  health = { isAlive: false, ageMs: null }
  await looks(5)
  health = { isAlive: true, ageMs: 1 }
  await looks(2)
  expect(await Promise.race([shown, Promise.resolve('still shown')])).toBe('still shown')
})

test('a page that has not found a new agent yet has time to', async () => {
  const shown = show()
  await opened()
  await looks(2)
  health = { isAlive: false, ageMs: null }
  await looks(5)
  expect(await Promise.race([shown, Promise.resolve('still shown')])).toBe('still shown')
  expect(await shown).toBe('the page says nothing any more')
})

test('a browser that ends by itself ends the session, and one that does not exist is named', async () => {
  expect(await show({ command: browser('exit 3') })).toBe('the browser ended (3)')
  expect(await show({ command: ['/nowhere/chromium'] })).toMatch('cannot be started')
})

test('the browser starts only once there is a page', async () => {
  health = undefined
  const shown = show()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(() => statSync(join(folder, 'opened'))).toThrow()
  health = { isAlive: true, ageMs: 1 }
  await opened()
  stop.over.abort()
  expect(await shown).toBe('stopped')
})

test('the secret is in a file of this user alone, and in no argument', async () => {
  const secret = 'a secret with & and " in it, long enough'
  const shown = show({ secret })
  const address = await opened()
  expect(address).toBe(`file://${folder}/enter.html`)
  const file = join(folder, 'enter.html')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const [, target = ''] = /url=([^"]+)">/.exec(readFileSync(file, 'utf8')) ?? []
  expect(new URL(target).searchParams.get('secret')).toBe(secret)
  stop.over.abort()
  expect(await shown).toBe('stopped')
})
