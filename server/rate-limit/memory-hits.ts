import type { Clock } from '../../shared/clock.ts'
import type { HitStore } from './limit-rate.ts'

/**
 * Hit counts of this process. At most `maxKeys` keys are kept; past that the oldest window is forgotten, so a
 * flood of addresses costs memory of a fixed size.
 */
export function memoryHits(clock: Clock, maxKeys = 100_000): HitStore & { readonly size: number } {
  // In order of their start, because a window that starts anew moves to the end.
  const windows = new Map<string, { count: number; endsAtMono: number }>()

  const makeRoom = (now: number): void => {
    for (const [key, { endsAtMono }] of windows) {
      if (endsAtMono > now && windows.size < maxKeys) return
      windows.delete(key)
    }
  }

  return {
    get size() {
      return windows.size
    },
    hit(key, windowMs) {
      const now = clock.monoMs()
      let window = windows.get(key)
      if (window === undefined || window.endsAtMono <= now) {
        windows.delete(key)
        makeRoom(now)
        window = { count: 0, endsAtMono: now + windowMs }
        windows.set(key, window)
      }
      window.count += 1
      return Promise.resolve({ count: window.count, resetsInMs: window.endsAtMono - now })
    },
    prune() {
      const before = windows.size
      makeRoom(clock.monoMs())
      return before - windows.size
    },
  }
}
