import { setImmediate as nextTurn } from 'node:timers/promises'

interface Event {
  atMs: number
  order: number
  run: () => void
}

/**
 * Virtual time. It stands still while anything real is at work (a request inside the server), and then jumps to the next
 * event: hours of back-off cost nothing, and what happens at the same time happens in one order.
 */
export class Timeline {
  /** Since the world began. */
  nowMs = 0
  /** Pieces of real work under way that no virtual time is to wait for. */
  busy = 0
  /** Something holds the server's only transaction: whoever is busy behind it waits for virtual time too. */
  held = 0
  #events: Event[] = []
  #order = 0

  /** Runs `run` after that many milliseconds; answers how to call it off. */
  after(ms: number, run: () => void): () => void {
    const event = { atMs: this.nowMs + Math.max(0, ms), order: this.#order++, run }
    const place = this.#events.findLastIndex(({ atMs }) => atMs <= event.atMs) + 1
    this.#events.splice(place, 0, event)
    return () => {
      this.#events = this.#events.filter((other) => other !== event)
    }
  }

  /** When the next event is due. */
  get nextMs(): number {
    return this.#events[0]?.atMs ?? Number.POSITIVE_INFINITY
  }

  /** Jumps to the next event; false where there is none. */
  advance(): boolean {
    const event = this.#events.shift()
    if (event === undefined) return false
    this.nowMs = event.atMs
    event.run()
    return true
  }

  /** Resolves once everything waits for virtual time. */
  async settle(): Promise<void> {
    for (let turns = 0; ; turns++) {
      await nextTurn()
      if (this.busy <= 0) return
      // Requests behind a held transaction come to rest within a few turns: they have no thread and no file to wait for.
      if (this.held > 0 && turns >= turnsToRest) return
    }
  }
}

const turnsToRest = 24
