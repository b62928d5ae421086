import type { Answer } from '../plugins/answer.ts'
import type { RouteDialect, SystemDialect } from '../plugins/system.ts'
import type { NamedSchema } from './schema.ts'

/** What an API says of itself to those who integrate with it: one tag and its operations. */
export interface ApiDescription {
  name: string
  /** Markdown. */
  description: string
  operations: Operation[]
}

export interface Operation {
  method: 'get' | 'post'
  /** As OpenAPI writes it: `/v1/things/{id}`. */
  path: string
  id: string
  summary: string
  /** Markdown. */
  description?: string
  security?: keyof typeof securitySchemes
  parameters?: ParameterName[]
  request?: { schema: NamedSchema; examples: Record<string, RequestExample> }
  /** On every answer. */
  headers?: HeaderName[]
  /** One entry per reason: several may have one status. */
  answers: DescribedAnswer[]
}

export interface RequestExample {
  summary: string
  value: unknown
}

export interface DescribedAnswer {
  status: number
  /** A sentence: when this answer comes. */
  when: string
  headers?: HeaderName[]
  /** None for an empty body. */
  body?: { schema: NamedSchema; example: unknown; mediaType?: string }
}

export type HeaderName = keyof typeof headers
export type ParameterName = keyof typeof parameters

export const securitySchemes = {
  clientSecret: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Client-Secret',
    description: 'Secret of an integration; staff makes one with `vlt-server client-secret add`.',
  },
  kioskSignature: {
    type: 'apiKey',
    in: 'header',
    name: 'Signature',
    description: 'HTTP Message Signature (RFC 9421) by the Ed25519 key of a kiosk that has joined.',
  },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'Token from POST /api/register, valid for 8 hours.',
  },
} as const

const text = { type: 'string' } as const
const whole = { type: 'integer', minimum: 0 } as const

export const headers = {
  'X-RateLimit-Limit': { description: 'Requests allowed per minute.', schema: whole },
  'X-RateLimit-Remaining': { description: 'Requests left until the minute is over.', schema: whole },
  'X-RateLimit-Reset': {
    description: 'When requests are taken again, in seconds since 1970 (UTC).',
    schema: whole,
  },
  'Retry-After': { description: 'Seconds to wait before trying again.', schema: whole },
  'Idempotency-Replayed': {
    description: '`true` when this is the kept answer to an earlier request with the same Idempotency-Key.',
    schema: { const: 'true' },
  },
  'Idempotency-Key-State': {
    description: '`in-progress` while the first request with this key has no answer yet.',
    schema: { const: 'in-progress' },
  },
  'X-Registration-Ticket': {
    description: 'One-time ticket for POST /auth/clienteCrear, valid for 30 minutes.',
    schema: text,
  },
  'X-Request-Id': {
    description: 'Names the incident in the server’s log: quote it when asking for help.',
    schema: text,
  },
  'WWW-Authenticate': { description: 'What the token lacks (RFC 6750).', schema: text },
  ETag: { description: 'Changes when the document does.', schema: text },
  'Cache-Control': { description: '`no-cache`: ask again with If-None-Match.', schema: text },
} as const

export const parameters = {
  'Idempotency-Key': {
    in: 'header',
    description:
      '1 to 255 visible ASCII characters, such as a UUID, chosen for this one write. Sent again with the same body ' +
      'it replays the first successful answer instead of writing twice; keys are kept for 400 days.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
  },
  'X-Registration-Ticket': {
    in: 'header',
    description: 'The ticket that POST /auth/clienteValidarCodigoRegistro answered with.',
    schema: text,
  },
  'Signature-Input': {
    in: 'header',
    description: 'What the signature `kiosk` covers, with `keyid` and `tag="vlt-kiosk"` (RFC 9421).',
    schema: text,
  },
  Signature: { in: 'header', description: 'The signature, labelled `kiosk` (RFC 9421).', schema: text },
  'Content-Digest': { in: 'header', description: 'SHA-256 of the body (RFC 9530).', schema: text },
  'Kiosk-Sequence': {
    in: 'header',
    description: 'Higher than that of every request of this kiosk before.',
    schema: whole,
  },
  'Kiosk-Challenge': {
    in: 'header',
    description: 'What a `sequence-behind` answer held; only to say that the sender is there.',
    schema: text,
  },
  'If-None-Match': { in: 'header', description: 'ETag of the copy at hand.', schema: text },
} as const

/** Limit and remainder: on every answer of a route that counts its requests. */
export const limitHeaders: HeaderName[] = ['X-RateLimit-Limit', 'X-RateLimit-Remaining']

/** An answer as a dialect makes it: its status and body are the example, and its headers are documented. */
export function fromDialect(
  { status, body, headers: sent = {} }: Answer,
  when: string,
  schema: NamedSchema,
  added: HeaderName[] = [],
): DescribedAnswer {
  const example: unknown = typeof body === 'string' ? JSON.parse(body) : body
  return {
    status,
    when,
    headers: [...Object.keys(sent).map(headerNamed), ...added],
    body: { schema, example },
  }
}

function headerNamed(text: string): HeaderName {
  const found = (Object.keys(headers) as HeaderName[]).find(
    (name) => name.toLowerCase() === text.toLowerCase(),
  )
  if (found === undefined) throw new Error(`the header ${text} is not described`)
  return found
}

const exampleIncident = '0d4fd2b6-7d8e-4b9a-9d37-5a1b8a3f0c11'

/** What any route of a system can run into, in its dialect; `error` is the shape of its errors. */
export function answersOfRoute(dialect: RouteDialect, error: NamedSchema): DescribedAnswer[] {
  return [
    fromDialect(dialect.tooManyAttempts, 'More requests came than the limit allows.', error, [
      'Retry-After',
      'X-RateLimit-Reset',
    ]),
    fromDialect(
      dialect.serverError(exampleIncident),
      'A fault of the server; its log has the details. Trying again later is safe with an Idempotency-Key.',
      error,
    ),
    fromDialect(dialect.unavailable, 'The server cannot take this now: try again later.', error, [
      'Retry-After',
    ]),
  ]
}

/** What any route that reads a body can run into besides. */
export function answersToBodies(dialect: RouteDialect, error: NamedSchema): DescribedAnswer[] {
  return [fromDialect(dialect.tooLarge, 'The body is longer than 64 KiB.', error)]
}

/** What any write can answer to an Idempotency-Key besides. */
export function answersToKeys(
  dialect: SystemDialect,
  error: NamedSchema,
  /** Where a key used twice is told in a shape of its own. */
  reused: NamedSchema = error,
): DescribedAnswer[] {
  return [
    fromDialect(
      dialect.keyInProgress,
      'The first request with this Idempotency-Key is still being processed.',
      error,
      ['Retry-After', 'Idempotency-Key-State'],
    ),
    fromDialect(
      dialect.keyOfOtherBody,
      'The Idempotency-Key was already used with another request body.',
      reused,
    ),
  ]
}
