/** The network cut while an outcome is read: it stays, ends by a touch or by its time, and the start says "offline". */
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { thisUser } from '../../agent/outbox/audit.ts'
import { ScriptedServer } from '../../agent/sync/scripted-server.testing.ts'
import { CuttableNetwork } from '../../demo/cuttable-network.ts'
import { startProgram } from '../../demo/programs.ts'
import { sampleClient } from '../../demo/sample-client.ts'
import { fillIn, openBrowser, openKiosk, openPage, person, type Kiosk } from './kiosk.ts'

let browser: Awaited<ReturnType<typeof openBrowser>>
let kiosk: Kiosk
let page: Page
beforeAll(async () => {
  browser = await openBrowser()
  kiosk = await openKiosk({ withSecret: true, diskSize: '6m', agentArgs: ['--disk-floor-mib', '2'] })
  page = await openPage(browser, kiosk)
  // Two cards of one client, of which the first is active no more, and one of another.
  for (const [codigo, card] of [
    ['70123', 'A0C2BB01'],
    ['70123', 'A0C2BB02'],
    ['70125', 'A0C2BB03'],
  ] as const) {
    await enrol(codigo, card)
    await shows(codigo === '70123' && card === 'A0C2BB02' ? 'Tarjeta nueva lista' : 'Listo')
    await page.locator('.outcome .primary').tap()
  }
})
afterAll(async () => {
  await browser.close()
  await kiosk[Symbol.asyncDispose]()
})

async function enrol(codigo: string, card: string): Promise<void> {
  await fillIn(page, 'tap', { ...person, codigoClienteVLT: codigo, dni: `7${codigo}11` })
  await kiosk.tap(card)
}

const shows = (title: string, timeout = 10_000): Promise<void> =>
  page.locator('.outcome h1', { hasText: title }).waitFor({ timeout })

/** The agent looks for the server now, and not in half a minute. */
async function look(server: 'online' | 'offline'): Promise<void> {
  await kiosk.ask('queue.retry', { actor: thisUser() })
  await expect.poll(async () => (await kiosk.status()).server.state).toBe(server)
}

interface Case {
  title: string
  reach: () => Promise<unknown>
  /** How it ends; `itself`: when its cause does. */
  ends?: 'touch' | 'time' | 'itself'
  /** Without a network it would be another screen. */
  isOffline?: true
}

const cases: Case[] = [
  { title: 'Listo', reach: () => enrol('70130', 'A0C2BB10') },
  { title: 'Tarjeta nueva lista', reach: () => enrol('70130', 'A0C2BB11') },
  { title: 'Ya era tuya', reach: () => enrol('70123', 'A0C2BB02') },
  { title: 'Tarjeta ya registrada', reach: () => enrol('70131', 'A0C2BB02') },
  { title: 'Tarjeta de otra persona', reach: () => enrol('70125', 'A0C2BB02'), ends: 'time' },
  { title: 'Guardado', reach: () => enrol('70132', 'A0C2BB12'), isOffline: true, ends: 'time' },
  { title: 'Tarjeta leída', reach: () => kiosk.tap('A0C2BB13'), isOffline: true },
  { title: 'Tarjeta activa', reach: () => kiosk.tap('A0C2BB03') },
  { title: 'Tarjeta no activa', reach: () => kiosk.tap('A0C2BB01') },
  { title: 'Tarjeta sin registrar', reach: () => kiosk.tap('A0C2BBFF') },
  { title: 'Usa la tarjeta, no el teléfono', reach: () => kiosk.tap('0824A937') },
  { title: 'No se leyó bien', reach: () => kiosk.simulate({ kind: 'raw', text: 'garbage\r' }) },
  {
    title: 'Hay dos tarjetas',
    reach: async () => {
      await fillIn(page, 'tap')
      await kiosk.simulate({ kind: 'raw', text: 'A0C2BB14\rA0C2BB15\r' })
      await shows('Hay dos tarjetas')
      await kiosk.ask('enroll.cancel')
    },
  },
  {
    title: 'Se acabó el tiempo',
    reach: () =>
      startProgram('agent', ['enroll', '--from', '-', '--timeout', '1', '--data', kiosk.data], {
        input: sampleClient(70_200),
      }).exited,
  },
  {
    title: 'El lector no responde',
    reach: () => kiosk.simulate({ kind: 'unplug', forMs: 4_000 }),
    ends: 'itself',
  },
  {
    title: 'Ahora no podemos registrar',
    reach: async () => {
      const { bavail, bsize } = statfsSync(kiosk.data)
      writeFileSync(join(kiosk.data, 'ballast'), Buffer.alloc(bavail * bsize - 1024 * 1024))
      await page.locator('.start .primary').tap()
      await shows('Ahora no podemos registrar')
      rmSync(join(kiosk.data, 'ballast'))
    },
  },
]

test.each(cases)('$title', { timeout: 90_000 }, async ({ title, reach, ends = 'touch', isOffline }) => {
  if (isOffline === true) {
    await kiosk.network.cut()
    await look('offline')
  }
  await reach()
  await shows(title)
  if (isOffline === undefined) {
    await kiosk.network.cut()
    await look('offline')
  }
  await shows(title)
  if (ends === 'touch') await page.locator('.outcome .primary').tap()
  await page.locator('.start .strip', { hasText: 'Sin conexión' }).waitFor({ timeout: 25_000 })
  await kiosk.network.join()
  await look('online')
  await page.locator('.start .strip').waitFor({ state: 'detached' })
})

test('what was refused for good, by a server that is gone meanwhile', async () => {
  await using scripted = await ScriptedServer.open()
  scripted.answer = () => ({ status: 422, body: '{"message":"no","errors":{"correo":["no"]}}' })
  await using network = new CuttableNetwork(scripted.url)
  await network.join()
  await using other = await openKiosk({ serverUrl: network.url })
  const theirs = await openPage(browser, other)
  await fillIn(theirs, 'tap')
  await other.tap('A0C2BBCA')
  const title = theirs.locator('.outcome h1', { hasText: 'No se pudo registrar' })
  await title.waitFor()
  await network.cut()
  await other.ask('queue.retry', { actor: thisUser() })
  await expect.poll(async () => (await other.status()).server.state).toBe('offline')
  await title.waitFor()
  await theirs.locator('.outcome .primary').tap()
  await theirs.locator('.start .strip', { hasText: 'Sin conexión' }).waitFor()
})
