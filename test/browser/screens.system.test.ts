import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, openKiosk, openPage, panels, type Panel } from './kiosk.ts'
import { measure } from './measure.ts'
import { isUpdating, picture, show } from './pictures.ts'
import { walk } from './walk.ts'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** Lists that grow. */
const scrolls = new Set(['operator'])
/** Outcomes and what leads to them have to be read at a glance. */
const glance = new Set(['tap', 'out-of-service'])

let browser: Awaited<ReturnType<typeof openBrowser>>
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

async function axeFinds(page: Page): Promise<string[]> {
  const { violations } = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: (options: unknown) => Promise<AxeResults> } }
    return axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
  })
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

test(
  'every screen is fit for fingers, eyes and screen readers, on every panel',
  { timeout: 180_000 },
  async () => {
    await using kiosk = await openKiosk({
      withSecret: true,
      diskSize: '6m',
      agentArgs: ['--disk-floor-mib', '2'],
    })
    // Half size is enough for docs/screens; what is measured is the same.
    const page = await openPage(browser, kiosk, 'tablet', isUpdating ? 0.5 : 1)
    // The page's policy lets no script in: the tester's own comes through the debugger.
    const tester = await readFile(axe, 'utf8')
    const faults: string[] = []
    const visited: string[] = []

    await walk(page, kiosk, async (screen) => {
      visited.push(screen)
      const isOutcome = (await page.locator('.outcome:visible').count()) > 0 || glance.has(screen)
      for (const [panel, { pxPerMm }] of Object.entries(panels) as [Panel, { pxPerMm: number }][]) {
        await show(page, panel)
        const found = await page.evaluate(measure, { pxPerMm, minMm: 20, contrast: isOutcome ? 10 : 7 })
        for (const [kind, names] of Object.entries(found) as [string, string[]][])
          faults.push(...names.map((name) => `${screen} on ${panel}: ${kind}: ${name}`))
        const hidden = await page.evaluate(() => document.documentElement.scrollHeight - innerHeight)
        if (hidden > 0 && !scrolls.has(screen))
          faults.push(`${screen} on ${panel}: ${String(hidden)} px below the screen`)
        await picture(page, screen, panel)
      }
      await page.evaluate(tester)
      faults.push(...(await axeFinds(page)).map((fault) => `${screen}: ${fault}`))
    })
    expect(faults).toEqual([])
    expect(visited).toHaveLength(36)
  },
)
