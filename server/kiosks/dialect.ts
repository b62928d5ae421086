import {
  joinPath,
  keyPath,
  kioskPrefix,
  type RefusalCode,
  registrationsPath,
  reportPath,
} from '../../shared/contracts/kiosk-sync.ts'
import type { Answer } from '../plugins/answer.ts'
import { routeNotFound } from '../plugins/fallback.ts'
import type { RouteDialect } from '../plugins/system.ts'

/** Every refusal a kiosk can act on has a code; texts are for people. */
const refusals = {
  'signature-invalid': [401, 'The signature does not fit the request.'],
  'key-unknown': [401, 'No kiosk has this key.'],
  'kiosk-pending': [403, 'The kiosk waits for an operator to activate it.'],
  'kiosk-locked': [403, 'Two machines use the key of this kiosk: join again with a new code.'],
  'kiosk-revoked': [403, 'The kiosk was revoked.'],
  'sequence-behind': [409, 'The request is older than one that came before.'],
  'code-refused': [403, 'The code is unknown, over, or was used before.'],
  invalid: [422, 'The request is not what this address takes.'],
} as const satisfies Record<RefusalCode, [number, string]>

export function refusal(code: RefusalCode, message: string = refusals[code][1]): Answer {
  return { status: refusals[code][0], body: { code, message } }
}

/** The challenge is for whoever is there to sign it. */
export function behind(challenge: string): Answer {
  const { status, body } = refusal('sequence-behind')
  return { status, body: { ...(body as object), challenge } }
}

const routes = [joinPath, registrationsPath, reportPath, keyPath].map((path) => path.slice(1))

/** The paths for kiosks, and what is said there besides an answer. */
export const kiosksDialect: RouteDialect = {
  prefix: kioskPrefix,
  unmatched: (method, path) => {
    if (!routes.includes(path)) return routeNotFound(path)
    const headers = { allow: 'POST' }
    if (method === 'OPTIONS') return { status: 200, headers }
    const message = `The ${method} method is not supported here. Supported methods: POST.`
    return { status: 405, headers, body: { message } }
  },
  unreadable: () => ({ status: 400, body: { message: 'The request could not be read.' } }),
  tooLarge: { status: 413, body: { message: 'The request body is too large.' } },
  tooManyAttempts: { status: 429, body: { message: 'Too Many Attempts.' } },
  unavailable: { status: 503, body: { message: 'Service Unavailable' } },
  serverError: () => ({ status: 500, body: { message: 'Server Error' } }),
}
