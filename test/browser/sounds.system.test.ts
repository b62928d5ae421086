/** What a person hears: the tones that the page asks the browser for, in a real Chromium. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setPin } from '../../agent/page/operator/pin.ts'
import { openBrowser, openKiosk, panels } from './kiosk.ts'
import { pin, walk } from './walk.ts'

let browser: Awaited<ReturnType<typeof openBrowser>>
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

/** Writes down every oscillator that starts, with its pitch, and lets it sound. */
async function listening(kiosk: { url: string }): Promise<Page> {
  // Who asked for less motion has not asked for silence.
  const context = await browser.newContext({
    viewport: panels.tablet,
    hasTouch: true,
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  await page.addInitScript(() => {
    const heard: number[] = []
    Object.assign(globalThis, { heard })
    class Heard extends OscillatorNode {
      override start(when?: number): void {
        heard.push(this.frequency.value)
        super.start(when)
      }
    }
    Object.assign(globalThis, { OscillatorNode: Heard })
  })
  await page.goto(kiosk.url)
  await page.locator('.start').waitFor()
  return page
}

/** Pitches since the last question, in hertz. */
const heard = (page: Page): Promise<number[]> =>
  page.evaluate(() => (globalThis as unknown as { heard: number[] }).heard.splice(0))

const tick = [2000]
const [good, soft, look, bad] = [[1000, 1500], [1000], [750], [400, 400]]

/** What is heard on the way to a screen and there, since the screen before. */
const expected: Record<string, number[]> = {
  'two-cards': [...tick, ...look],
  registered: [...tick, ...soft, ...good],
  'card-added': [...tick, ...soft, ...good],
  'already-yours': [...tick, ...soft, ...soft],
  duplicate: [...tick, ...soft, ...look],
  // After a registration of somebody else.
  'card-taken': [...tick, ...soft, ...good, ...tick, ...soft, ...bad],
  'card-active': [...look, ...good],
  'card-inactive': [...look, ...bad],
  'card-unknown': [...look, ...look],
  random: bad,
  unclear: look,
  'no-reader': bad,
  expired: look,
  saved: [...tick, ...soft],
  'second-card': [...tick, ...soft, ...look],
  unclaimed: look,
  'cannot-store': bad,
}

test('each outcome has a sound of its own kind, once', { timeout: 120_000 }, async () => {
  await using kiosk = await openKiosk({
    withSecret: true,
    diskSize: '6m',
    agentArgs: ['--disk-floor-mib', '2'],
  })
  const page = await listening(kiosk)
  const sounds: Record<string, number[]> = {}
  await walk(page, kiosk, async (screen) => {
    // The sound comes a moment after its picture; and none comes after it.
    const least = expected[screen]?.length ?? 0
    await page
      .waitForFunction((count) => (globalThis as unknown as { heard: number[] }).heard.length >= count, least)
      .catch(() => undefined)
    await page.waitForTimeout(150)
    sounds[screen] = await heard(page)
  })
  const silent = Object.keys(sounds).filter((screen) => !(screen in expected))
  expect(sounds).toEqual({ ...expected, ...Object.fromEntries(silent.map((screen) => [screen, []])) })
})

test('who has turned the sounds off hears none', async () => {
  await using kiosk = await openKiosk()
  await setPin(kiosk.data, pin)
  const page = await listening(kiosk)
  await page.locator('.corner button').last().tap()
  await page.locator('#pin:focus').waitFor()
  await page.keyboard.type(pin)
  await page.keyboard.press('Enter')
  const quieter = page.getByRole('button', { name: 'Volumen: menos' })
  for (let percent = 90; percent >= 0; percent -= 10) {
    await quieter.tap()
    await page.locator('.level output', { hasText: new RegExp(`^${String(percent)} %$`) }).waitFor()
  }
  // How loud it now is was heard each time.
  expect(await heard(page)).toEqual(Array.from({ length: 9 }, () => soft).flat())
  await page.locator('.operator header button').tap()
  await kiosk.tap('A0C2BBCA')
  await page.locator('.outcome h1', { hasText: 'Tarjeta leída' }).waitFor()
  expect(await heard(page)).toEqual([])
})
