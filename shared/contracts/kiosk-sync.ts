/**
 * Wire contract of /v1/kiosk: how a lobby machine proves who it is and hands over its backlog.
 *
 * Every request is signed (RFC 9421, Ed25519) over `signedComponents`, with the thumbprint of the key as `keyid`. No
 * clock is trusted: a kiosk counts its requests in `Kiosk-Sequence`, which only rises.
 */
import { z } from 'zod'
import { publicJwk } from '../http-signatures/ed25519.ts'

export const kioskPrefix = '/v1/kiosk'
export const joinPath = `${kioskPrefix}/join`
export const registrationsPath = `${kioskPrefix}/registrations`
export const reportPath = `${kioskPrefix}/report`
export const keyPath = `${kioskPrefix}/key`

export const sequenceHeader = 'kiosk-sequence'
/** Repeats, signed too, what a `sequence-behind` answer held: its sender is there now, and no recording. */
export const challengeHeader = 'kiosk-challenge'
export const signatureTag = 'vlt-kiosk'
export const signatureLabel = 'kiosk'
/** The second signature of a rotation, by the new key. */
export const newKeyLabel = 'new-key'
export const signedComponents = [
  '@method',
  '@authority',
  '@path',
  'content-digest',
  'content-type',
  sequenceHeader,
] as const

export const maxBatchItems = 200
/** Of a whole request, in bytes. */
export const maxBatchBytes = 2 * 1024 * 1024

const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), 'must be one line of text')
const count = z.int().nonnegative()

export const joinRequest = z.object({
  code: z.string().max(100).meta({ description: 'The one-time code that the operator made' }),
  publicKey: publicJwk,
  name: line(100)
    .optional()
    .meta({ description: 'What the machine is called; a name that came with the code goes before' }),
  version: line(50).meta({ description: 'Version of the program on the kiosk' }),
})

export const joinAnswer = z.object({
  kioskId: z.int().positive(),
  name: z.string(),
  state: z.enum(['pending', 'active']),
  fingerprint: z.string().meta({ description: 'Of the key, for two people to compare' }),
})

export const registrationItem = z.object({
  sequence: z.int().positive().meta({ description: 'Of the registration in the outbox' }),
  system: z.string().max(50).meta({ description: '`vlt-clients`' }),
  idempotencyKey: z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters'),
  body: z
    .string()
    .max(64 * 1024)
    .meta({ description: 'JSON text, byte for byte what the system’s own endpoint would get' }),
  consentText: z
    .string()
    .regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 visible ASCII characters')
    .optional()
    .meta({
      description: 'Version of the text that the person saw beside the consents; absent where a clerk asked',
    }),
})

export const registrationsRequest = z.object({
  epoch: line(64).meta({ description: 'Of the outbox: a new one for every birth of its file' }),
  items: z.array(registrationItem).min(1).max(maxBatchItems),
})

/** What the system's own endpoint would have answered to the item. */
export const itemResult = z.object({
  idempotencyKey: z.string(),
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.string().meta({ description: 'As text' }),
  owner: z.enum(['own', 'other']).optional().meta({
    description: 'Only of a duplicate: is the card the registered client’s own, or somebody else’s?',
  }),
})

/** In the order of the items. */
export const registrationsAnswer = z.object({ results: z.array(itemResult) })

export const reportRequest = z.object({
  epoch: line(64),
  version: line(50),
  highestSequence: count.meta({ description: 'Of the newest registration in the outbox' }),
  accepted: count,
  delivered: count,
  dead: count,
  discarded: count,
  pending: count,
  documented: count.meta({
    description: 'How many of the delivered ones, at most, went by another way than /v1/kiosk/registrations',
  }),
  chainHead: z.string().max(128).nullable().meta({ description: 'End of the chain over the outbox' }),
})

export const gapKinds = ['sum', 'went-back', 'server-lacks', 'kiosk-lacks', 'chain'] as const

export const reportAnswer = z.object({
  agrees: z.boolean(),
  taken: count.meta({ description: 'How many registrations of this epoch the server holds from this kiosk' }),
  gaps: z.array(z.enum(gapKinds)),
})

export const keyRequest = z.object({ publicKey: publicJwk })

export const keyAnswer = z.object({ keyId: z.string(), fingerprint: z.string() })

/** Stable names of refusals. */
export const refusalCodes = [
  'signature-invalid',
  'key-unknown',
  'kiosk-pending',
  'kiosk-locked',
  'kiosk-revoked',
  'sequence-behind',
  'code-refused',
  'invalid',
] as const
export type RefusalCode = (typeof refusalCodes)[number]

export const refusalAnswer = z.object({
  code: z.string().optional().catch(undefined),
  message: z.string(),
  challenge: z.string().optional(),
})

export type JoinRequest = z.output<typeof joinRequest>
export type JoinAnswer = z.output<typeof joinAnswer>
export type RegistrationItem = z.output<typeof registrationItem>
export type RegistrationsRequest = z.output<typeof registrationsRequest>
export type ItemResult = z.output<typeof itemResult>
export type Report = z.output<typeof reportRequest>
export type ReportAnswer = z.output<typeof reportAnswer>
export type Gap = (typeof gapKinds)[number]
