import {
  authenticationAnswer,
  authenticationPath,
  authenticationRequest,
  inactiveAnswer,
} from '../../shared/contracts/cards.ts'
import {
  answersOfRoute,
  answersToBodies,
  type ApiDescription,
  fromDialect,
  limitHeaders,
} from '../openapi/describe.ts'
import { answerSchema, objectSchema, requestSchema } from '../openapi/schema.ts'
import { authenticationAnswer as answered, cardsDialect, invalid, noObject, unauthorized } from './dialect.ts'

const active = answerSchema('CardActive', authenticationAnswer)
const inactive = answerSchema('CardInactive', inactiveAnswer)
const failure = objectSchema('CardFailure', { message: { type: 'string' } })

/** What an integrator needs to know of POST /v1/cards/authenticate. */
export const cardsApi: ApiDescription = {
  name: 'cards',
  description:
    'Who holds a card that was registered by `vlt-clients`: for what the lobby does after registration. Needs a ' +
    'client secret, which the operator gives out.',
  operations: [
    {
      method: 'post',
      path: authenticationPath,
      id: 'authenticateCard',
      summary: 'Whose card this is',
      description: 'Changes nothing. `nombre` is the first name alone, for a greeting.',
      security: 'clientSecret',
      request: {
        schema: requestSchema('CardAuthentication', authenticationRequest),
        examples: { card: { summary: 'A card', value: { cardIdentifier: 'A0C2BBCA' } } },
      },
      headers: limitHeaders,
      answers: [
        fromDialect(
          answered({ kind: 'active', clientId: 70, firstName: 'Brandon' }, 'A0C2BBCA'),
          'The card is the active one of this client.',
          active,
        ),
        fromDialect(invalid(noObject), 'The body is no JSON object, or the card is none.', failure),
        fromDialect(unauthorized, 'The secret is missing, unknown or revoked.', failure),
        fromDialect(answered({ kind: 'unknown' }, ''), 'The card was never registered.', failure),
        fromDialect(
          answered({ kind: 'inactive' }, ''),
          'The card was registered once, but is no longer the active one of its client.',
          inactive,
        ),
        ...answersToBodies(cardsDialect, failure),
        ...answersOfRoute(cardsDialect, failure),
      ],
    },
  ],
}
