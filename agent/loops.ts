import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'

export interface Loops extends AsyncDisposable {
  add(run: (stop: AbortSignal, cut: AbortSignal) => Promise<void>): void
  readonly broken: AbortSignal
}

/** Runs loops until disposed: `stop` asks them to end, `cut` after the deadline ends what they still wait for. */
export function startLoops(stopWithinMs: number, clock: Clock, log: Log): Loops {
  const stop = new AbortController()
  const cut = new AbortController()
  const broken = new AbortController()
  const running: Promise<void>[] = []
  return {
    broken: broken.signal,
    add(run) {
      const loop = run(stop.signal, cut.signal).catch((error: unknown) => {
        log.fatal({ err: error }, 'a part of the agent broke')
        broken.abort()
      })
      running.push(loop)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      const ended = new AbortController()
      const deadline = clock.sleep(stopWithinMs, ended.signal).then(() => {
        cut.abort()
      })
      await Promise.all(running)
      ended.abort()
      await deadline
    },
  }
}
