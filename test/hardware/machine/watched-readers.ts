import type { ReaderFault, ReaderState } from '../../../devices/reader-status.ts'
import type { TimedNews } from '../guest/reader-events.ts'
import { startGuestProgram } from './guest-program.ts'
import { stateFolder, type Machine } from './machine.ts'

/** What the readers of the agent in the machine do, as it happens, with times by the machine's own clock. */
export interface WatchedReaders extends AsyncDisposable {
  /** Everything so far, oldest first. */
  readonly news: readonly TimedNews[]
  state(reader: string): ReaderState | undefined
  fault(reader: string): ReaderFault | null | undefined
  /** UIDs of the taps so far. */
  taps(reader: string): string[]
  /** Waits until `condition` holds, which is asked whenever something happens. */
  until(what: string, condition: () => boolean, withinMs?: number): Promise<void>
}

export async function watchReaders(machine: Machine): Promise<WatchedReaders> {
  const news: TimedNews[] = []
  const waiting = new Set<() => void>()
  const program = await startGuestProgram(
    machine,
    `test/hardware/guest/reader-events.ts ${stateFolder}/agent`,
    (line) => {
      news.push(JSON.parse(line) as TimedNews)
      for (const look of waiting) look()
    },
  )
  const lastState = (reader: string) =>
    news.findLast((event) => event.type === 'state' && event.readerId === reader) as
      Extract<TimedNews, { type: 'state' }> | undefined
  const watched: WatchedReaders = {
    news,
    state: (reader) => lastState(reader)?.state,
    fault: (reader) => lastState(reader)?.fault,
    taps: (reader) =>
      news.flatMap((event) => (event.type === 'tap' && event.readerId === reader ? [event.uid] : [])),
    async until(what, condition, withinMs = 30_000) {
      const held = Promise.withResolvers<undefined>()
      const look = (): void => {
        if (condition()) held.resolve(undefined)
      }
      const timer = setTimeout(() => {
        held.reject(new Error(`${what}: not within ${String(withinMs)} ms; last: ${last()}`))
      }, withinMs)
      const last = (): string => JSON.stringify(news.slice(-5))
      waiting.add(look)
      look()
      try {
        await Promise.race([held.promise, program.failed])
      } finally {
        clearTimeout(timer)
        waiting.delete(look)
      }
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  }
  await watched.until('the readers are watched', () => news.some(({ type }) => type === 'state'))
  return watched
}
