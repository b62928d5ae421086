import {
  documentTypes,
  registrationAnswer,
  registrationPath,
  registrationRequest,
} from '../../../shared/contracts/digital-registry.ts'
import {
  answersOfRoute,
  answersToBodies,
  answersToKeys,
  type ApiDescription,
  fromDialect,
  limitHeaders,
} from '../../openapi/describe.ts'
import { answerSchema, objectSchema, requestSchema } from '../../openapi/schema.ts'
import {
  insecure,
  malformedKey,
  problem,
  refused,
  registered,
  wrongDocumentType,
  wrongFormat,
} from './dialect.ts'
import { digitalRegistryDialect } from './routes.ts'

const answer = answerSchema('DigitalRegistration', registrationAnswer)
const failure = objectSchema('DigitalRegistryFailure', {
  status: { type: 'integer', description: 'The HTTP status, once more' },
  message: { type: 'string', description: 'A text for people' },
})

const code = 'A8F121PIO1R7I'
const url = `https://lobby.example/digital/index.php?cod=${code}`
const catalogue = Object.entries(documentTypes)
  .map(([id, name]) => `| ${id} | ${name} |`)
  .join('\n')

/** What an integrator needs to know of POST /api/digital/crear/registro.php. */
export const digitalRegistryApi: ApiDescription = {
  name: 'digital-registry',
  description:
    'Lets the API users of an entity create the initial registration of a person, who then goes on at the `Url` of ' +
    'the answer. By HTTPS alone: plain HTTP is refused, never redirected. Every answer repeats its `status` in the ' +
    'body. Other methods answer 405, other paths below `/api/digital` 404.',
  operations: [
    {
      method: 'post',
      path: registrationPath,
      id: 'createDigitalRegistration',
      summary: 'Create a registration and get the address where the person goes on',
      description:
        'Username and Password are those of an API user, given out by the operator. Checked in this order, one ' +
        'complaint at a time: HTTPS, shape of the body, required fields, user, password, permission, user and entity ' +
        'active, document type. Failed logins slow down with 429.\n\n' +
        `\`TipoDni\`, as a number or its digit as text:\n\n| TipoDni | Document |\n|---|---|\n${catalogue}`,
      parameters: ['Idempotency-Key'],
      request: {
        schema: requestSchema('DigitalRegistrationRequest', registrationRequest),
        examples: {
          person: {
            summary: 'A person with a cédula',
            value: {
              Username: '123456789',
              Password: 'MiClaveSegura',
              Dni: '987654321',
              TipoDni: 1,
              Nombres: 'Jorge Salamanca',
            },
          },
        },
      },
      headers: limitHeaders,
      answers: [
        fromDialect(
          registered(code, url, '2025-12-05T15:46:29.000Z'),
          'The registration was created.',
          answer,
          ['Idempotency-Replayed'],
        ),
        fromDialect(wrongFormat, 'The body is no JSON object, or a field has the wrong shape.', failure),
        fromDialect(problem(400, "El campo 'Nombres' es obligatorio."), 'A field is missing.', failure),
        fromDialect(wrongDocumentType, 'There is no such document type.', failure),
        fromDialect(malformedKey, 'The Idempotency-Key header is malformed.', failure),
        fromDialect(refused({ kind: 'unknown-user' }), 'There is no such API user.', failure),
        fromDialect(refused({ kind: 'wrong-password' }), 'The password is wrong.', failure),
        fromDialect(insecure, 'The request came by plain HTTP.', failure),
        fromDialect(refused({ kind: 'no-api-access' }), 'The user may not use the API.', failure),
        fromDialect(refused({ kind: 'user-blocked' }), 'The user is blocked.', failure),
        fromDialect(refused({ kind: 'entity-suspended' }), 'The entity of the user is suspended.', failure),
        fromDialect(
          refused({ kind: 'throttled', waitMs: 5_000 }),
          'Too many logins failed for this user and address.',
          failure,
        ),
        ...answersToKeys(digitalRegistryDialect, failure),
        ...answersToBodies(digitalRegistryDialect, failure),
        ...answersOfRoute(digitalRegistryDialect, failure),
      ],
    },
  ],
}
