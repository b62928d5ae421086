/** The network cut, the agent killed and the page loaded anew on each screen: nothing accepted is lost, nothing shown twice. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setPin } from '../../agent/page/operator/pin.ts'
import { agentQueue, eventually } from '../lobby.ts'
import { fillIn, openBrowser, openKiosk, openPage, person, type Kiosk, type PersonField } from './kiosk.ts'
import { pin } from './walk.ts'

let browser: Awaited<ReturnType<typeof openBrowser>>
let kiosk: Kiosk
let page: Page
beforeAll(async () => {
  browser = await openBrowser()
  kiosk = await openKiosk()
  await setPin(kiosk.data, pin)
  page = await openPage(browser, kiosk)
  // Until the page's files are kept: from then on a reload needs no agent.
  await page.evaluate(() => navigator.serviceWorker.ready)
})
afterAll(async () => {
  await browser.close()
  await kiosk[Symbol.asyncDispose]()
})

const fields = Object.keys(person) as PersonField[]
const typed = (field: PersonField) => async (): Promise<string> =>
  page.locator(`#${field}`).inputValue({ timeout: 5_000 })
let card = 0xa0c20000

interface Case {
  screen: string
  reach: () => Promise<unknown>
  /** What says that this screen is there. */
  sign: string
  /** What is there once the agent is back, and after a reload. */
  afterKill: string
  afterReload: string
  /** Registrations that were accepted on the way. */
  accepted?: number
  keeps?: () => Promise<string>
}

async function accept(): Promise<void> {
  await fillIn(page, 'tap', { ...person, codigoClienteVLT: String(card), dni: String(card).slice(0, 8) })
  await kiosk.tap((card++).toString(16).toUpperCase())
}

const cases: Case[] = [
  {
    screen: 'start',
    reach: () => page.locator('.start').waitFor(),
    sign: '.start',
    afterKill: '.start',
    afterReload: '.start',
  },
  ...fields.map((field): Case => ({
    screen: field,
    reach: () => fillIn(page, field),
    sign: `#${field}`,
    afterKill: `#${field}`,
    afterReload: '.start',
    keeps: typed(field),
  })),
  {
    screen: 'review',
    reach: () => fillIn(page, 'review'),
    sign: 'dl',
    afterKill: 'dl',
    afterReload: '.start',
  },
  {
    screen: 'consents',
    reach: () => fillIn(page, 'consents'),
    sign: '.consents',
    afterKill: '.consents',
    afterReload: '.start',
  },
  // Nothing was promised yet, and whoever comes after a restart must not meet it: the tap is asked for again.
  {
    screen: 'tap',
    reach: () => fillIn(page, 'tap'),
    sign: '.tap',
    afterKill: '.start',
    afterReload: '.start',
  },
  {
    screen: 'outcome',
    reach: accept,
    sign: '.outcome .code',
    afterKill: '.start',
    afterReload: '.start',
    accepted: 1,
  },
  {
    screen: 'operator',
    reach: async () => {
      await page.locator('.corner button').last().tap()
      await page.locator('#pin:focus').waitFor()
      await page.keyboard.type(pin)
      await page.keyboard.press('Enter')
    },
    sign: '.tiles',
    afterKill: '.start',
    afterReload: '.start',
  },
]

const visible = (selector: string) => page.locator(`${selector}:visible`).first().waitFor()
const shownText = (): Promise<string> => page.locator('body').innerText()

test.each(cases)('$screen', async ({ reach, sign, afterKill, afterReload, accepted = 0, keeps }) => {
  const before = (await agentQueue(kiosk.data)).length
  await reach()
  await visible(sign)
  const text = await keeps?.()

  await kiosk.network.cut()
  await page.waitForTimeout(150)
  await visible(sign)
  expect(await keeps?.()).toBe(text)

  await kiosk.kill()
  await visible('.closed')
  await kiosk.start()
  await visible(afterKill)
  await page.locator('.closed').waitFor({ state: 'detached' })
  expect(await keeps?.()).toBe(text)
  await kiosk.network.join()

  await page.reload()
  await visible(afterReload)
  const shown = await shownText()
  for (const value of Object.values(person)) expect(shown).not.toContain(value)

  const queue = await agentQueue(kiosk.data)
  expect(queue.length - before).toBe(accepted)
  await eventually(async () => (await kiosk.status()).queue.pending === 0)
})

test('a reload while somebody’s card is awaited shows the same, and no word of theirs', async () => {
  await fillIn(page, 'tap')
  await page.reload()
  await visible('.tap')
  expect(await shownText()).not.toContain(person.nombre)
  await kiosk.tap('A0C2BBCA')
  await visible('.outcome .code')
  await page.reload()
  await visible('.outcome .code')
  await page.locator('.outcome .primary').tap()
  await visible('.start')
})

test('a reload while the agent is down shows "out of service", never an error of the browser', async () => {
  await kiosk.kill()
  await visible('.closed')
  await page.reload()
  await visible('.closed')
  expect(await shownText()).toContain('Fuera de servicio')
  await kiosk.start()
  await visible('.start')
})

test('an agent that hangs is told from one that is quiet', { timeout: 60_000 }, async () => {
  kiosk.agent().child.kill('SIGSTOP')
  await page.locator('.closed:visible').waitFor({ timeout: 20_000 })
  kiosk.agent().child.kill('SIGCONT')
  await visible('.start')
})

test('a crash of the renderer leaves nothing of who typed, and the next page works', async () => {
  await fillIn(page, 'correo')
  const context = page.context()
  await page.goto('chrome://crash').catch(() => undefined)
  await page.close().catch(() => undefined)
  page = await context.newPage()
  await page.goto(kiosk.url)
  await visible('.start')
  expect(await shownText()).not.toContain(person.correo)
})
