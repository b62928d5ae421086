/** The page's line to the agent. It holds nothing: state comes by server-sent events, what is typed goes out once. */
import { useEffect, useState } from 'preact/hooks'
import { heartbeatMs, pingMs, type PageFailure, type Snapshot } from '../protocol.ts'

const answerWithinMs = 5_000
const reconnectMs = 1_000
/** Two pings missed and a little more: the agent hangs. */
const silenceMs = 2 * pingMs + 2_000

/** What the agent answered, or that it did not. */
export type Answer<T> = { ok: T } | { failure: PageFailure | { code: 'unreachable' } }

export async function post<T = Snapshot>(path: string, body: unknown = {}): Promise<Answer<T>> {
  return ask<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

export async function ask<T>(path: string, init: RequestInit = {}): Promise<Answer<T>> {
  // Not AbortSignal.timeout: that keeps the request, and what was typed with it, until the time is over.
  const late = new AbortController()
  const timer = setTimeout(() => {
    late.abort()
  }, answerWithinMs)
  try {
    const response = await fetch(path, { ...init, cache: 'no-store', signal: late.signal })
    const answer: unknown = await response.json()
    if (response.ok) return { ok: answer as T }
    return { failure: answer as PageFailure }
  } catch {
    return { failure: { code: 'unreachable' } }
  } finally {
    clearTimeout(timer)
  }
}

/** The agent's state, pushed; undefined while it cannot be heard. Connects again by itself, for ever. */
export function useAgent(): [Snapshot | undefined, (snapshot: Snapshot) => void] {
  const [snapshot, setSnapshot] = useState<Snapshot>()

  useEffect(() => {
    let source: EventSource | undefined
    let retry = 0
    let silence = 0
    let build: string | undefined

    const hear = (next: Snapshot): void => {
      // Another page than the one that runs here: the agent was replaced.
      if (build !== undefined && build !== next.build) location.reload()
      build = next.build
      setSnapshot(next)
    }
    const lose = (): void => {
      source?.close()
      clearTimeout(silence)
      clearTimeout(retry)
      setSnapshot(undefined)
      retry = window.setTimeout(() => void reconnect(), reconnectMs)
    }
    const listen = (): void => {
      clearTimeout(silence)
      silence = window.setTimeout(lose, silenceMs)
    }
    const connect = (): void => {
      source = new EventSource('/events')
      source.onmessage = ({ data }: MessageEvent<string>) => {
        listen()
        hear(JSON.parse(data) as Snapshot)
      }
      source.onerror = lose
      listen()
    }
    // An agent that no longer knows this page's secret gives another with the page itself.
    const reconnect = async (): Promise<void> => {
      const answer = await ask<Snapshot>('/state')
      if ('ok' in answer) connect()
      else if (answer.failure.code === 'unauthorised') location.reload()
      else retry = window.setTimeout(() => void reconnect(), reconnectMs)
    }
    connect()
    const beat = (): void => void post('/heartbeat')
    beat()
    const beating = setInterval(beat, heartbeatMs)
    return () => {
      clearInterval(beating)
      clearTimeout(retry)
      clearTimeout(silence)
      source?.close()
    }
  }, [])
  return [snapshot, setSnapshot]
}
