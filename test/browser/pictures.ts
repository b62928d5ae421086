/** Pictures for docs/screens. `UPDATE_SCREENS=1 npm run test:system -- test/browser` takes them anew. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { panels, type Panel } from './kiosk.ts'

export const isUpdating = process.env['UPDATE_SCREENS'] !== undefined
const folder = join(import.meta.dirname, '../../docs/screens')

/** The page as that panel shows it, calibration included. */
export async function show(page: Page, panel: Panel): Promise<void> {
  const { width, height, pxPerMm } = panels[panel]
  await page.setViewportSize({ width, height })
  await page.evaluate((mm) => {
    document.documentElement.style.setProperty('--mm', `${String(mm)}px`)
  }, pxPerMm)
}

/** Of what is on the screen; nothing unless they are taken anew. */
export async function picture(page: Page, screen: string, panel: Panel): Promise<void> {
  if (!isUpdating) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${screen}-${panel}.png`), animations: 'disabled' })
}

/** On all panels. */
export async function pictures(page: Page, screen: string): Promise<void> {
  if (!isUpdating) return
  for (const panel of Object.keys(panels) as Panel[]) {
    await show(page, panel)
    await picture(page, screen, panel)
  }
}
