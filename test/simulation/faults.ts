import type { Response } from '../../agent/sync/classify.ts'
import type { Random } from './random.ts'

/** What becomes of one request. */
export interface Fate {
  name: string
  /** When copies of it reach the server, in milliseconds. */
  arrivals: number[]
  /** What the sender gets: the server's answer, half of it, something else, or nothing at all. */
  back: 'answer' | 'half' | 'nothing' | Response
  /** How long that takes. */
  backMs: number
  /** A wait that `back` asks for, in milliseconds. */
  askedMs?: number
}

/** How often something goes wrong. */
export const weathers = { clear: 0, rough: 0.25, awful: 0.7, cut: 1 } as const
export type Weather = keyof typeof weathers

export function fairFate(random: Random): Fate {
  return { name: '', arrivals: [random.between(1, 80)], back: 'answer', backMs: random.between(1, 80) }
}

/** @param serverMs what the server's wall says, since 1970 */
export function fate(random: Random, weather: Weather, serverMs: number): Fate {
  const fair = fairFate(random)
  if (weather === 'cut')
    return { ...fair, name: 'refused', arrivals: [], back: failure('ECONNREFUSED', false) }
  if (!random.chance(weathers[weather])) return fair
  const name = random.weighted(faults)
  const instead = (back: Response): Fate => ({ ...fair, name, arrivals: [], back })
  switch (name) {
    case 'refused':
      return instead(failure('ECONNREFUSED', false))
    case 'request lost':
      return { ...fair, name, arrivals: [], back: 'nothing' }
    case 'answer lost':
      return { ...fair, name, back: 'nothing' }
    case 'connection broken':
      return { ...fair, name, back: failure('ECONNRESET', true) }
    case 'half an answer':
      return { ...fair, name, back: 'half' }
    case 'slow':
      return { ...fair, name, arrivals: [random.between(1_000, 5_000)], backMs: random.between(10, 4_000) }
    case 'late':
      return { ...fair, name, arrivals: [random.between(11_000, 90_000)], back: 'nothing' }
    case 'twice at once':
      return { ...fair, name, arrivals: [5, 5] }
    case 'again later':
      return { ...fair, name, arrivals: [5, random.between(50, 120_000)] }
    case 'gateway':
      return { ...instead(answer(random.pick([500, 502, 503, 504]))), ...maybeAsking(random, serverMs) }
    case 'gateway after':
      return { ...fair, name, back: answer(random.pick([500, 502, 504])) }
    case 'limited':
      return { ...instead(answer(429)), ...asking(random, 429, serverMs) }
    case 'login page':
      return instead(answer(random.pick([200, 302]), '<html>login</html>', { 'content-type': 'text/html' }))
    case 'refuses us':
      return instead(answer(random.pick([401, 403, 404, 405])))
    case 'wrong certificate':
      return instead(failure('CERT_HAS_EXPIRED', false))
  }
}

const faults = {
  refused: 3,
  'request lost': 3,
  'answer lost': 4,
  'connection broken': 4,
  'half an answer': 3,
  slow: 3,
  late: 3,
  'twice at once': 3,
  'again later': 3,
  gateway: 3,
  'gateway after': 3,
  limited: 2,
  'login page': 2,
  'refuses us': 1,
  'wrong certificate': 1,
}

/** In every form that a server may say it. */
function asking(random: Random, status: number, serverMs: number): Pick<Fate, 'back' | 'askedMs'> {
  const seconds = random.pick([0, 1, 7, 30, 120, 86_400])
  const nowMs = Math.floor(serverMs / 1000) * 1000
  const untilMs = nowMs + seconds * 1000
  const date = new Date(nowMs).toUTCString()
  const header = random.pick([
    { 'retry-after': String(seconds) },
    { 'retry-after': new Date(untilMs).toUTCString(), date },
    { 'x-ratelimit-reset': String(untilMs / 1000), date },
  ])
  return { back: answer(status, '{"message":"wait"}', header), askedMs: seconds * 1000 }
}

function maybeAsking(random: Random, serverMs: number): Partial<Fate> {
  return random.chance(0.4) ? asking(random, 503, serverMs) : {}
}

export function answer(
  status: number,
  body = '{"message":"no"}',
  headers: Record<string, string> = {},
): Response {
  return { kind: 'answer', status, headers: { 'content-type': 'application/json', ...headers }, body }
}

export function failure(code: string, sent: boolean): Response {
  return { kind: 'failure', code, sent }
}
