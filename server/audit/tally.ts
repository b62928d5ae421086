/** Of whom and what an event tells. */
export interface Tallied {
  /** Stable kebab text, such as `api-user-blocked`. */
  action: string
  /** Who did it: `operator`, `client-secret 3`, `api-user 7`, `anonymous`, `server`. */
  actor: string
  /** What it was done to: `entity 4`, `client 70`. */
  subject: string
}

/** An event that came `count` times, the first time at `since` (ISO 8601). */
export interface Count extends Tallied {
  count: number
  since: string
}

// A row per minute for each of these makes 92,000 a day: an attack that never pauses needs ten days to push what
// matters out of the trail.
const maxKeys = 64

export interface Tally {
  add(event: Tallied, since: string, count?: number): void
  /** What was counted since the last call. */
  take(): Count[]
}

/** Counts in memory. Past `maxKeys` different events, new ones count as those of `others`, one per action. */
export function createTally(): Tally {
  let counts = new Map<string, Count>()
  return {
    add({ action, actor, subject }, since, count = 1) {
      const event = { action, actor, subject }
      const known = counts.get(keyOf(event))
      const kept = known !== undefined || counts.size < maxKeys ? event : othersOf(action)
      const before = counts.get(keyOf(kept)) ?? { ...kept, count: 0, since }
      const first = before.since < since ? before.since : since
      counts.set(keyOf(kept), { ...before, count: before.count + count, since: first })
    },
    take() {
      const taken = [...counts.values()]
      counts = new Map()
      return taken
    },
  }
}

function keyOf({ action, actor, subject }: Tallied): string {
  return JSON.stringify([action, actor, subject])
}

function othersOf(action: string): Tallied {
  return { action, actor: 'others', subject: 'others' }
}
