import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'

const dayMs = 24 * 60 * 60 * 1000

/** Works that each day needs once, by what they say of themselves; each answers how many things it dealt with. */
export type DailyWorks = Record<string, () => number | Promise<number>>

/** Does them at once and then each day, until aborted. One that fails is done again the next day. */
export async function everyDay(
  works: DailyWorks,
  signal: AbortSignal,
  clock: Clock,
  log: Log,
): Promise<void> {
  const isOver = (): boolean => signal.aborted
  while (!isOver()) {
    for (const [what, work] of Object.entries(works)) {
      if (isOver()) return
      try {
        const count = await work()
        if (count > 0) log.info({ count }, what)
      } catch (error) {
        log.error({ err: error }, `failed: ${what}`)
      }
    }
    await clock.sleep(dayMs, signal)
  }
}
