/** Nobody there any more: what was typed is gone from the screen, the page's memory and the browser's storage. */
import type { CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { fillIn, openBrowser, openKiosk, openPage, person } from './kiosk.ts'
import { pictures } from './pictures.ts'

let browser: Awaited<ReturnType<typeof openBrowser>>
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

const canaries = {
  ...person,
  nombre: 'Canariusname',
  apellidoPaterno: 'Canariusfather',
  apellidoMaterno: 'Canariusmother',
  correo: 'canarius.mail@gmail.com',
  telefono: '913572468',
  dni: '86429753',
}
const words = [
  canaries.nombre,
  canaries.apellidoPaterno,
  canaries.apellidoMaterno,
  canaries.correo,
  canaries.telefono,
  canaries.dni,
]

/** Which of the words are anywhere in the page's heap, its DOM included. */
async function inMemory(page: Page): Promise<string[]> {
  const cdp: CDPSession = await page.context().newCDPSession(page)
  const chunks: string[] = []
  cdp.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk))
  await cdp.send('HeapProfiler.collectGarbage')
  await cdp.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
  await cdp.detach()
  const snapshot = chunks.join('')
  return words.filter((word) => snapshot.includes(word))
}

/** Which of them are in what the browser keeps for the page. */
async function inStorage(page: Page): Promise<string[]> {
  const kept = await page.evaluate(async () => {
    const texts = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie]
    for (const name of await caches.keys()) {
      const cache = await caches.open(name)
      for (const request of await cache.keys())
        texts.push(request.url, (await (await cache.match(request))?.text()) ?? '')
    }
    const databases = await indexedDB.databases()
    return { text: texts.join(), databases: databases.length, history: history.length }
  })
  expect(kept.databases).toBe(0)
  return words.filter((word) => kept.text.includes(word))
}

/** What the browser still does with a screen that has gone takes a moment; then it must hold nothing, for good. */
async function forgotten(page: Page): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await inMemory(page)).toEqual([])
    },
    { timeout: 15_000, interval: 500 },
  )
}

async function idle(page: Page, seconds: number): Promise<void> {
  await page.clock.fastForward(seconds * 1_000)
}

async function opened(): Promise<{
  page: Page
  close: () => PromiseLike<void>
  kiosk: Awaited<ReturnType<typeof openKiosk>>
}> {
  const kiosk = await openKiosk()
  const page = await openPage(browser, kiosk)
  await page.clock.install()
  await page.reload()
  await page.locator('.start').waitFor()
  return { page, kiosk, close: () => kiosk[Symbol.asyncDispose]() }
}

test('after 60 s it is asked for 20 s, then everything typed is gone', { timeout: 90_000 }, async () => {
  const { page, close } = await opened()
  try {
    await fillIn(page, 'review', canaries)
    expect(await inMemory(page)).toEqual(words)
    await idle(page, 61)
    await page.locator('.still:visible').waitFor()
    expect(await page.locator('dl:visible').count()).toBe(0)
    await pictures(page, 'still-there')
    await idle(page, 21)
    await page.locator('.start:visible').waitFor()
    expect(await page.content()).not.toContain(canaries.nombre)
    await forgotten(page)
    expect(await inStorage(page)).toEqual([])
  } finally {
    await close()
  }
})

test('a touch in time keeps everything, at the same question', { timeout: 60_000 }, async () => {
  const { page, close } = await opened()
  try {
    await fillIn(page, 'nombre', canaries)
    await idle(page, 61)
    await page.locator('.still .primary').tap()
    await page.locator('#nombre:visible').waitFor()
    expect(await page.locator('#nombre').inputValue()).toBe(canaries.nombre)
    await page.locator('#nombre:focus').waitFor()
    await idle(page, 61)
    await page.locator('.still:visible').waitFor()
  } finally {
    await close()
  }
})

test.each(['leave', 'send'])('nothing stays behind after %s', { timeout: 90_000 }, async (way) => {
  const { page, close, kiosk } = await opened()
  try {
    if (way === 'leave') {
      await fillIn(page, 'review', canaries)
      await page.locator('.form header button').tap()
    } else {
      await fillIn(page, 'tap', canaries)
      await kiosk.tap('A0C2BBCA')
      await page.locator('.outcome .primary').tap()
    }
    await page.locator('.start').waitFor()
    await forgotten(page)
    expect(await inStorage(page)).toEqual([])
  } finally {
    await close()
  }
})

test(
  'who is asked while a card is awaited, and stays, has the whole time again',
  { timeout: 60_000 },
  async () => {
    const { page, close, kiosk } = await opened()
    try {
      await fillIn(page, 'tap', canaries)
      await idle(page, 61)
      await page.locator('.still .primary').tap()
      await page.locator('.tap:visible').waitFor()
      expect((await kiosk.status()).waitingEnrolments).toBe(1)
    } finally {
      await close()
    }
  },
)
