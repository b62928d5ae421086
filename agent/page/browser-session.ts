import { spawn } from 'node:child_process'
import { kill } from 'node:process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'

const lookEveryMs = 1_000
const answerWithinMs = 5_000
/** A browser on a slow machine takes so long to say its first word, and a page so long to find a new agent. */
const graceMs = 60_000
/** So long a browser may take to end before it is killed. */
const farewellMs = 5_000

export interface BrowserSession {
  /** Where the agent serves the page. */
  url: string
  /** The secret of the session; undefined where the page is open to any browser of this machine. */
  secret: string | undefined
  /** A folder for this user alone, where the way in is written; its file names no secret to a list of processes. */
  runtime: string
  /** The browser and its arguments; the address follows. */
  command: readonly string[]
}

/**
 * Shows the page until stopped:
 *
 *   waiting for the agent -> its page is there -> the browser starts -> watched
 *   watched -> the agent is away: the page says so itself, and the time begins anew when it is back
 *           -> the agent is there and hears nothing of the page, beyond the grace -> killed, `page-silent`
 *           -> the browser ends by itself -> `page-silent`
 *
 * Whoever runs this starts it again: a new session, with nothing of the old one.
 */
export async function showPage(session: BrowserSession, clock: Clock, stop: AbortSignal): Promise<void> {
  while (!stop.aborted && !(await isServed(session.url))) await clock.sleep(lookEveryMs, stop)
  if (stop.aborted) return
  const [program = '', ...args] = session.command
  const browser = spawn(program, [...args, entrance(session)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  })
  const ended = new AbortController()
  const gone = new Promise<string>((resolve) => {
    browser.once('exit', (code, signal) => {
      resolve(`the browser ended (${String(code ?? signal)})`)
    })
    browser.once('error', (error) => {
      resolve(`the browser cannot be started (${error.message})`)
    })
  }).finally(() => {
    ended.abort()
  })
  const over = AbortSignal.any([stop, ended.signal])

  let patientUntil = clock.monoMs() + graceMs
  let last: PageHealth | undefined
  let isSilent = false
  while (!over.aborted && !isSilent) {
    await clock.sleep(lookEveryMs, over)
    const now = await pageHealth(session.url)
    if (now === 'away' || (now === 'unheard' && last !== 'unheard')) patientUntil = clock.monoMs() + graceMs
    if (now === 'alive') patientUntil = clock.monoMs()
    isSilent = (now === 'silent' || now === 'unheard') && clock.monoMs() > patientUntil
    last = now
  }
  if (ended.signal.aborted) throw new AppError('page-silent', await gone)
  await end(browser.pid, gone, clock)
  if (isSilent) throw new AppError('page-silent', 'the page says nothing any more')
}

/** The address that the browser opens. With a secret it is a file that sends it on, so that no argument holds it. */
function entrance({ url, secret, runtime }: BrowserSession): string {
  if (secret === undefined) return url
  const path = join(runtime, 'enter.html')
  const target = new URL(`/enter?secret=${encodeURIComponent(secret)}`, url)
  writeFileSync(path, `<!doctype html><meta http-equiv="refresh" content="0;url=${target.href}">\n`, {
    mode: 0o600,
  })
  return pathToFileURL(path).href
}

async function isServed(url: string): Promise<boolean> {
  return (await ask(url, 'live')) !== undefined
}

/** `away`: the agent. `unheard`: this agent has not heard of any page yet; it has just started, or the browser has. */
type PageHealth = 'alive' | 'silent' | 'unheard' | 'away'

async function pageHealth(url: string): Promise<PageHealth> {
  const answer = await ask(url, 'page')
  if (answer === undefined) return 'away'
  if (answer.ageMs === null) return 'unheard'
  return answer.isAlive === true ? 'alive' : 'silent'
}

async function ask(url: string, what: 'live' | 'page'): Promise<Record<string, unknown> | undefined> {
  try {
    const answer = await fetch(new URL(`/health/${what}`, url), {
      signal: AbortSignal.timeout(answerWithinMs),
    })
    return (await answer.json()) as Record<string, unknown>
  } catch {
    return undefined
  }
}

/** The compositor and the browser below it are one process group. */
async function end(pid: number | undefined, gone: Promise<string>, clock: Clock): Promise<void> {
  if (pid === undefined) return
  const signal = (name: NodeJS.Signals): void => {
    try {
      kill(-pid, name)
    } catch {
      // It has ended by itself.
    }
  }
  signal('SIGTERM')
  const patience = new AbortController()
  await Promise.race([gone, clock.sleep(farewellMs, patience.signal)])
  patience.abort()
  signal('SIGKILL')
  await gone
}
