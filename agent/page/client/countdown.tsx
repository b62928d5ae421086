import { useEffect, useState } from 'preact/hooks'

/** Whole seconds until `leftMs` from now are over, counted down. */
export function useSecondsLeft(leftMs: number): number {
  const [nowMs, setNow] = useState(() => performance.now())
  const [endsAtMs, setEnd] = useState(nowMs + leftMs)
  useEffect(() => {
    setNow(performance.now())
    setEnd(performance.now() + leftMs)
    const timer = setInterval(() => {
      setNow(performance.now())
    }, 250)
    return () => {
      clearInterval(timer)
    }
  }, [leftMs])
  return Math.max(0, Math.ceil((endsAtMs - nowMs) / 1_000))
}

/** How long a screen still stays: a ring that empties around the seconds. Once told is enough for who hears it. */
export function Ring({ seconds, of }: { seconds: number; of: number }) {
  const share = Math.min(1, seconds / of)
  return (
    <div class="ring" aria-hidden="true">
      <svg viewBox="0 0 40 40">
        <circle cx="20" cy="20" r="17" pathLength="1" />
        <circle cx="20" cy="20" r="17" pathLength="1" stroke-dasharray={`${String(share)} 1`} />
      </svg>
      <span>{seconds}</span>
    </div>
  )
}
