import { setTimeout as delay } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { consentText } from '../agent/page/consents.ts'
import { ScriptedServer } from '../agent/sync/scripted-server.testing.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { PseudoTerminal } from '../devices/transports/pseudo-terminal.testing.ts'
import { openBrowser, openKiosk, openPage } from '../test/browser/kiosk.ts'

const taps = 100

/**
 * Runs in the page: when the frame that is about to be painted says that a card was seen, that it is saved, and that the
 * server has it. A text, because this file knows no browser.
 */
const watch = `(() => {
  globalThis.seen = {}
  const look = () => requestAnimationFrame(() => {
    const screen = document.querySelector('.outcome')
    if (screen === null) return
    const now = performance.timeOrigin + performance.now()
    seen.any ??= now
    if (screen.querySelector('.code') !== null) seen.saved ??= now
    if (screen.dataset.tone === 'good') seen.good ??= now
  })
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true })
})()`

interface Seen {
  any?: number
  saved?: number
  good?: number
}

/** Milliseconds from the last byte on the serial line to the first sign on the screen, and to the outcome. */
async function course(page: Page, line: PseudoTerminal, tap: number, final: keyof Seen) {
  const codigo = 1_000 + tap
  const enrolment = { client: JSON.parse(sampleClient(codigo)) as unknown, consentText: consentText('es') }
  await page.evaluate(
    (body) => fetch('/enrolment', { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
    JSON.stringify(enrolment),
  )
  await page.locator('.tap').waitFor()
  await page.evaluate('globalThis.seen = {}')
  await line.write(`${(0x10000000 + tap).toString(16).toUpperCase()}\r\n`)
  const sentMs = performance.timeOrigin + performance.now()
  let seen: Seen = {}
  while (seen[final] === undefined) {
    await delay(5)
    seen = await page.evaluate<Seen>('seen')
  }
  await page.locator('.outcome .primary').click()
  await page.locator('.start').waitFor()
  return { feedbackMs: (seen.any ?? NaN) - sentMs, outcomeMs: (seen[final] ?? NaN) - sentMs }
}

function distribution(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN).toFixed(0).padStart(4)
  return `p50 ${at(0.5)} ms  p95 ${at(0.95)} ms  p99 ${at(0.99)} ms  most ${at(1)} ms`
}

/** Serial bytes to what a person sees, in a real Chromium: with a server, without one, and with one that never answers. */
export async function pageBench(): Promise<void> {
  console.log(`Serial bytes to the screen (agent and Chromium), ${String(taps)} taps each`)
  await using stack = new AsyncDisposableStack()
  const browser = await openBrowser()
  stack.defer(() => browser.close())
  const stalled = stack.use(await ScriptedServer.open())
  stalled.answer = () => ({ status: 201, delayMs: 600_000 })
  for (const way of ['online', 'offline', 'stalled'] as const) {
    await using line = await PseudoTerminal.create()
    await using kiosk = await openKiosk({
      reader: `serial-line:${line.path}?presenceGapMs=200&cooldownMs=0`,
      ...(way === 'stalled' ? { serverUrl: stalled.url } : {}),
    })
    if (way === 'offline') await kiosk.network.cut()
    const page = await openPage(browser, kiosk)
    await page.evaluate(watch)
    // The first ones warm both programs up.
    const found: Awaited<ReturnType<typeof course>>[] = []
    for (let tap = -5; tap < taps; tap++) {
      const one = await course(page, line, tap + 5, way === 'online' ? 'good' : 'saved')
      if (tap >= 0) found.push(one)
      await delay(20)
    }
    console.log(`  ${way.padEnd(8)} feedback  ${distribution(found.map(({ feedbackMs }) => feedbackMs))}`)
    console.log(`  ${''.padEnd(8)} outcome   ${distribution(found.map(({ outcomeMs }) => outcomeMs))}`)
    await page.context().close()
  }
  console.log()
}
