import {
  meAnswer,
  mePath,
  registrationAnswer,
  registrationPath,
  registrationRequest,
  type User,
} from '../../../shared/contracts/user-accounts.ts'
import {
  answersOfRoute,
  answersToBodies,
  answersToKeys,
  type ApiDescription,
  fromDialect,
  limitHeaders,
} from '../../openapi/describe.ts'
import { answerSchema, closedObject, objectSchema, requestSchema } from '../../openapi/schema.ts'
import {
  created,
  invalid,
  invalidToken,
  licenceFault,
  malformedKey,
  me,
  meDialect,
  notAnObject,
  noToken,
  registrationDialect,
  taken,
  unsupportedType,
} from './dialect.ts'

const text = { type: 'string' }
const account = answerSchema('UserAccountCreated', registrationAnswer)
const whoami = answerSchema('UserAccount', meAnswer)
const failure = objectSchema('UserAccountFailure', { error: text })
const complaints = objectSchema('UserAccountComplaints', {
  error: text,
  details: { type: 'array', minItems: 1, items: closedObject({ field: text, message: text }) },
})

const user: User = {
  usuario_id: 1,
  usuario_login: 'johndoe',
  usuario_correo: 'john@example.com',
  usuario_nombre: 'John',
  usuario_apellido: 'Doe',
  departamento_id: 5,
  usuario_celular: '12345678',
  profile: null,
}
const required = {
  usuarioLogin: 'johndoe',
  usuarioCorreo: 'john@example.com',
  usuarioPassword: 'securePass123',
  usuarioNombre: 'John',
  usuarioApellido: 'Doe',
  departamentoId: 5,
}

/** What an integrator needs to know of POST /api/register and GET /v1/me. */
export const userAccountsApi: ApiDescription = {
  name: 'user-accounts',
  description:
    'Creates user accounts, and answers with a JWT for immediate use. Errors are `{error}`, and `{error, details}` ' +
    'where they are about fields. Other methods answer 405, other paths 404, both with an `error`.',
  operations: [
    {
      method: 'post',
      path: registrationPath,
      id: 'registerUser',
      summary: 'Create a user account',
      description:
        'Login and e-mail address are unique without regard to case. A role that is not open to everybody is noted ' +
        'for staff to approve, and the account starts with the default role. With `poseeLicencia: true` the type ' +
        'and number of the licence are required, and its expiry is reminded of by mail.',
      parameters: ['Idempotency-Key'],
      request: {
        schema: requestSchema('UserAccountRegistration', registrationRequest),
        examples: {
          required: {
            summary: 'The required fields alone',
            value: { ...required, usuarioCelular: '12345678' },
          },
          licence: {
            summary: 'With a licence',
            value: {
              ...required,
              usuarioLogin: 'janedoe',
              usuarioCorreo: 'jane@example.com',
              usuarioFechaNacimiento: '2000-01-15T00:00:00Z',
              usuarioDpi: '2345678901234',
              usuarioTipoDocumento: 1,
              usuarioNit: '1234567-8',
              usuarioRolId: 1,
              poseeLicencia: true,
              licenciaTipo: 1,
              licenciaNumero: 'L-12345',
              licenciaPrimerAnio: 2019,
              licenciaFechaVencimiento: '2030-12-31',
            },
          },
        },
      },
      headers: limitHeaders,
      answers: [
        fromDialect(
          created('eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln', user),
          'The account was created.',
          account,
          ['Idempotency-Replayed'],
        ),
        fromDialect(
          invalid([
            { field: 'usuarioCorreo', message: 'Invalid email format' },
            { field: 'usuarioPassword', message: 'Password must be at least 6 characters' },
          ]),
          'Fields are missing or wrong.',
          complaints,
        ),
        fromDialect(invalid([malformedKey]), 'The Idempotency-Key header is malformed.', complaints),
        fromDialect(licenceFault('type'), 'The licence has no known type.', failure),
        fromDialect(licenceFault('number'), 'The licence has no number.', failure),
        fromDialect(notAnObject, 'The body is no JSON object.', failure),
        fromDialect(unsupportedType, 'The Content-Type is not JSON.', failure),
        fromDialect(taken, 'Somebody has this login or e-mail address.', failure),
        ...answersToKeys(registrationDialect, failure),
        ...answersToBodies(registrationDialect, failure),
        ...answersOfRoute(registrationDialect, failure),
      ],
    },
    {
      method: 'get',
      path: mePath,
      id: 'whoAmI',
      summary: 'The account that a token stands for',
      security: 'bearer',
      headers: limitHeaders,
      answers: [
        fromDialect(me(user), 'The token is valid.', whoami),
        fromDialect(noToken, 'No token came.', failure),
        fromDialect(invalidToken, 'The token is none of ours, or over, or its account is gone.', failure),
        ...answersOfRoute(meDialect, failure),
      ],
    },
  ],
}
