import { useEffect, useState } from 'preact/hooks'
import { idleMs, warningMs } from '../protocol.ts'

const events = ['pointerdown', 'keydown', 'input', 'wheel'] as const

/**
 * Asks after a time without a touch, and gives up after another.
 *
 *   watched, touched -> the time begins anew
 *   idleMs without a touch -> asking -> `stay` -> watched
 *                                    -> warningMs -> `onGone`, once
 *
 * @param what a new value begins anew; undefined watches nobody
 */
export function useIdle(what: unknown, onGone: () => void): { isAsking: boolean; stay: () => void } {
  const [since, setSince] = useState(0)
  const [isAsking, setAsking] = useState(false)

  useEffect(() => {
    setAsking(false)
    if (what === undefined) return
    let last = performance.now()
    let asked = false
    const touched = (): void => {
      if (!asked) last = performance.now()
    }
    // Looked at often, because a timer of a minute sleeps through a suspended machine.
    const timer = setInterval(() => {
      const idle = performance.now() - last
      if (idle >= idleMs + warningMs) {
        clearInterval(timer)
        onGone()
      } else if (idle >= idleMs && !asked) {
        asked = true
        setAsking(true)
      }
    }, 250)
    for (const name of events) addEventListener(name, touched, { passive: true })
    return () => {
      clearInterval(timer)
      for (const name of events) removeEventListener(name, touched)
    }
  }, [what, since])

  return {
    isAsking,
    stay: () => {
      setAsking(false)
      setSince(performance.now())
    },
  }
}
