import {
  registrationAnswer,
  registrationPath,
  registrationRequest,
} from '../../../shared/contracts/vlt-clients.ts'
import {
  answersOfRoute,
  answersToBodies,
  answersToKeys,
  type ApiDescription,
  fromDialect,
  limitHeaders,
} from '../../openapi/describe.ts'
import { answerSchema, objectSchema, requestSchema } from '../../openapi/schema.ts'
import { invalid, malformedKey, noDestination, outcomeAnswer } from './dialect.ts'
import { vltClientsDialect } from './routes.ts'

const text = { type: 'string' }
const answer = answerSchema('VltClientRegistered', registrationAnswer)
const failure = objectSchema('VltClientFailure', { message: text })
const complaints = objectSchema('VltClientComplaints', {
  message: { type: 'string', description: 'The first complaint, and how many more there are' },
  errors: {
    type: 'object',
    description: 'Complaints by field, in the order of the fields',
    additionalProperties: { type: 'array', items: text, minItems: 1 },
  },
})

const required = {
  codigoClienteVLT: 71,
  correo: 'cliente71@gmail.com',
  tarjeta: '04:A2:24:5B:11:90:80',
  enviarWhatsApp: false,
  enviarCorreo: true,
  enviarSms: false,
}

const missing = registrationRequest.safeParse({}).error?.issues ?? []

/** What an integrator needs to know of POST /api/clientes/register. */
export const vltClientsApi: ApiDescription = {
  name: 'vlt-clients',
  description:
    'Registers a client of the VLT lobby and binds an RFID card. Public: no secret and no token, but at most 60 ' +
    'requests per minute and address by default. Errors are Laravel-shaped: `message`, and `errors` by field. ' +
    'Unknown paths below `/api/clientes` answer 404, other methods 405, both with a `message`.',
  operations: [
    {
      method: 'post',
      path: registrationPath,
      id: 'registerVltClient',
      summary: 'Register a client and bind a card',
      description:
        'The card decides first: a card that was ever registered is a duplicate, and nothing is changed. Else the ' +
        'client is looked up by `codigoClienteVLT`, then by `tipoDocumento` and `dni`, and gets the card as the ' +
        'active one; else the client is created. A 2xx means that the registration is stored durably.\n\n' +
        'Integers may also come as text, and booleans as 0 and 1; texts are trimmed, and blank ones count as absent.',
      parameters: ['Idempotency-Key'],
      request: {
        schema: requestSchema('VltClientRegistration', registrationRequest),
        examples: {
          complete: {
            summary: 'Everything known of the client',
            value: {
              tipoDocumento: 1,
              dni: '74658993',
              nombre: 'Brandon',
              apellidoPaterno: 'Mamani',
              apellidoMaterno: 'Ayala',
              fechaNacimiento: '1995-04-23T13:47:04.200Z',
              direccion: 'Av. Bolognesi 123',
              telefono: '928570056',
              ubigeo: '230101',
              sexo: 1,
              codigoClienteVLT: 70,
              correo: 'cliente70@gmail.com',
              enviarWhatsApp: true,
              enviarCorreo: true,
              enviarSms: true,
              tarjeta: 'A0C2BBCA',
            },
          },
          required: { summary: 'The required fields alone', value: required },
        },
      },
      headers: limitHeaders,
      answers: [
        ...(['created', 'card-added'] as const).map((kind) =>
          fromDialect(
            outcomeAnswer({ kind, clientId: 70, alias: false }, 'A0C2BBCA'),
            kind === 'created'
              ? 'The client was created.'
              : 'A known client got a further card, now the active one.',
            answer,
            ['Idempotency-Replayed'],
          ),
        ),
        fromDialect(
          outcomeAnswer({ kind: 'duplicate', clientId: 70, alias: false }, 'A0C2BBCA'),
          'The card was registered before; `id` is the client who has it. Nothing was changed.',
          answer,
          ['Idempotency-Replayed'],
        ),
        fromDialect(
          invalid(missing.map(({ path, message }) => ({ field: String(path[0]), message }))),
          'Fields are missing or wrong; a body that is no JSON object counts as empty.',
          complaints,
        ),
        fromDialect(invalid([malformedKey]), 'The Idempotency-Key header is malformed.', complaints),
        fromDialect(
          noDestination,
          'The server has no destination client configured for registrations.',
          failure,
        ),
        ...answersToKeys(vltClientsDialect, failure, complaints),
        ...answersToBodies(vltClientsDialect, failure),
        ...answersOfRoute(vltClientsDialect, failure),
      ],
    },
  ],
}
