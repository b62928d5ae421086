import type { SupervisorEvent, Watching } from './reader-status.ts'

type Listener = (event: SupervisorEvent) => void

/** Who listens to one reader, and to what of it. */
export class Listeners {
  readonly #entries = new Set<{ listener: Listener; watching: Watching }>()

  /** The same listener given twice hears everything twice. Answers how to stop listening. */
  add(listener: Listener, watching: Watching): () => void {
    const entry = { listener, watching }
    this.#entries.add(entry)
    return () => {
      this.#entries.delete(entry)
    }
  }

  /** Does anybody want it? What nobody wants is not even made. */
  want(what: keyof Watching): boolean {
    return [...this.#entries].some(({ watching }) => watching[what] === true)
  }

  /** Who is to hear this event. */
  of({ type }: SupervisorEvent): Listener[] {
    const entries = [...this.#entries]
    return entries.filter(({ watching }) => isFor(type, watching)).map(({ listener }) => listener)
  }
}

function isFor(type: SupervisorEvent['type'], { bytes, frames }: Watching): boolean {
  if (type === 'bytes') return bytes === true
  return type === 'frame' ? frames === true : true
}
