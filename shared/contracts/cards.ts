/** Wire contract of POST /v1/cards/authenticate: who holds the card that the lobby has just read. */
import { z } from 'zod'
import { parseCardUid } from '../card-uid.ts'

export const authenticationPath = '/v1/cards/authenticate'

const maxLength = 255

/** The request body; `cardIdentifier` in any spelling that a registration takes as `tarjeta`. */
export const authenticationRequest = z.object({
  cardIdentifier: z
    .string({
      error: ({ input }) =>
        input === undefined || input === null
          ? 'The cardIdentifier field is required.'
          : 'The cardIdentifier field must be a string.',
    })
    .max(maxLength, `The cardIdentifier field must not be greater than ${String(maxLength)} characters.`)
    .transform((text, context) => {
      const parsed = parseCardUid(text)
      if ('uid' in parsed) return { uid: parsed.uid, asSent: text }
      context.addIssue({ code: 'custom', message: 'The cardIdentifier field format is invalid.' })
      return z.NEVER
    })
    .meta({
      type: 'string',
      maxLength,
      description:
        'Physical UID of the RFID card: 4 to 10 bytes of hex; spaces, colons and hyphens are ignored',
    }),
})

/** 200: the card is the active one of this client. */
export const authenticationAnswer = z.object({
  id: z.int().meta({ description: 'Identifier of the registered client' }),
  tarjeta: z.string().meta({ description: 'The card identifier sent in the request' }),
  activa: z.literal(true),
  nombre: z.string().nullable().meta({ description: 'First name, or null where none is known' }),
})

/** 409: the card was registered once, but another one has taken its place. */
export const inactiveAnswer = z.object({ activa: z.literal(false) })

export type AuthenticationAnswer = z.output<typeof authenticationAnswer>
export type InactiveAnswer = z.output<typeof inactiveAnswer>
