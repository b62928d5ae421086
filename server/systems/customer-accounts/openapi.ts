import {
  createAnswer,
  createRequest,
  customerPaths,
  errorAnswer,
  fieldErrorAnswer,
  loginAnswer,
  loginRequest,
  plainAnswer,
  registerRequest,
  verifyRequest,
} from '../../../shared/contracts/customer-accounts.ts'
import {
  answersOfRoute,
  answersToBodies,
  answersToKeys,
  type ApiDescription,
  type DescribedAnswer,
  fromDialect,
  limitHeaders,
  type Operation,
} from '../../openapi/describe.ts'
import { answerSchema, requestSchema } from '../../openapi/schema.ts'
import {
  codeRefused,
  codeSent,
  created,
  invalid,
  loggedIn,
  loginRefused,
  malformedKey,
  notJson,
  notVerified,
  taken,
  verified,
  waitFor,
} from './dialect.ts'
import { customerAccountsDialect } from './routes.ts'

const done = answerSchema('CustomerStepDone', plainAnswer)
const failure = answerSchema('CustomerFailure', errorAnswer)
const complaints = answerSchema('CustomerComplaints', fieldErrorAnswer)

const email = 'juan.perez@example.com'
const password = 'securePassword123'
const customer = { id: 789, nombres: 'Juan Pérez', email }
const required = {
  numero_documento: '12345678',
  nombres: 'Juan Pérez',
  fecha_nacimiento: '1990-05-15',
  email,
  password,
  id_lista_precio: 1,
  id_distrito: 150101,
  tipo_cliente: 'Natural',
  tipo_pago: 'Contado',
  incluye_igv: 1,
}

/** What all four steps have in common; `missing` is the field that the example of a complaint is about. */
function step(
  { parameters = [], answers, ...own }: Omit<Operation, 'method' | 'headers'>,
  missing: string,
): Operation {
  const example = { field: missing, message: `El campo ${missing} es obligatorio.` }
  const common: DescribedAnswer[] = [
    fromDialect(invalid([example]), 'Fields are missing or wrong.', complaints),
    fromDialect(invalid([malformedKey]), 'The Idempotency-Key header is malformed.', complaints),
    fromDialect(notJson, 'The body is no JSON object.', failure),
    ...answersToKeys(customerAccountsDialect, failure),
    ...answersToBodies(customerAccountsDialect, failure),
    ...answersOfRoute(customerAccountsDialect, failure),
  ]
  return {
    ...own,
    method: 'post',
    parameters: ['Idempotency-Key', ...parameters],
    headers: limitHeaders,
    answers: [...answers, ...common],
  }
}

/** What an integrator needs to know of the four steps below /auth. */
export const customerAccountsApi: ApiDescription = {
  name: 'customer-accounts',
  description:
    'Registers customers in three steps, each proven by the one before, and logs them in: 1. register, which mails a ' +
    'code; 2. verify the code; 3. create the account; then log in. Every success is 200, and every answer repeats its ' +
    '`status` in the body. Other methods answer 405, other paths below `/auth` 404.',
  operations: [
    step(
      {
        path: customerPaths.register,
        id: 'registerCustomer',
        summary: 'Step 1: have a code sent to an e-mail address',
        description:
          'The answer is the same whether or not the address has an account; its owner then gets another mail. A ' +
          'code holds for 10 minutes. The next one can be asked for after 60 seconds, and 5 in an hour.',
        request: {
          schema: requestSchema('CustomerRegister', registerRequest),
          examples: { sample: { summary: 'A new customer', value: { nombres: 'Juan Pérez', email } } },
        },
        answers: [
          fromDialect(codeSent, 'A code, or a note to the owner of the address, is on its way.', done, [
            'Idempotency-Replayed',
          ]),
          fromDialect(waitFor(60_000), 'The address got mails enough for now.', failure),
        ],
      },
      'nombres',
    ),
    step(
      {
        path: customerPaths.verify,
        id: 'verifyCustomer',
        summary: 'Step 2: verify the address with the code',
        description: 'A code takes 5 guesses. The ticket in the header of the answer is for step 3.',
        request: {
          schema: requestSchema('CustomerVerify', verifyRequest),
          examples: { sample: { summary: 'The code from the mail', value: { email, codigo: '123456' } } },
        },
        answers: [
          fromDialect(verified('Zl0dZ0p2Qh6q0Y3bR1m8Yw'), 'The address is verified.', done, [
            'Idempotency-Replayed',
          ]),
          fromDialect(codeRefused, 'The code is wrong, over or used up, or none was sent.', failure),
          fromDialect(waitFor(60_000), 'Too many codes were wrong.', failure),
        ],
      },
      'codigo',
    ),
    step(
      {
        path: customerPaths.create,
        id: 'createCustomer',
        summary: 'Step 3: create the account',
        description:
          'For 30 minutes after step 2: with its ticket in `X-Registration-Ticket`, or without one from the same ' +
          'network. A 400 does not use the ticket up.',
        parameters: ['X-Registration-Ticket'],
        request: {
          schema: requestSchema('CustomerProfile', createRequest),
          examples: {
            complete: {
              summary: 'Everything known of the customer',
              value: {
                ...required,
                celular: '987654321',
                extra_domicilio_a_domicilio: 0,
                extra_domicilio_a_agencia: 0,
                extra_agencia_a_domicilio: 0,
                id_tipo_detraccion: null,
                direcciones: [],
              },
            },
            required: { summary: 'The required fields alone', value: required },
          },
        },
        answers: [
          fromDialect(
            created(customer),
            'The account was created.',
            answerSchema('CustomerCreated', createAnswer),
            ['Idempotency-Replayed'],
          ),
          fromDialect(notVerified, 'The address was not verified, or too long ago.', failure),
          fromDialect(
            taken(['numero_documento']),
            'Another customer has this document or address.',
            complaints,
          ),
        ],
      },
      'numero_documento',
    ),
    step(
      {
        path: customerPaths.login,
        id: 'logInCustomer',
        summary: 'Log in',
        description: 'Failed logins slow down with 429, for the address and for the network.',
        request: {
          schema: requestSchema('CustomerLogin', loginRequest),
          examples: { sample: { summary: 'A customer', value: { email, password } } },
        },
        answers: [
          fromDialect(
            loggedIn({ ...customer, token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln' }),
            'The password is right.',
            answerSchema('CustomerLoggedIn', loginAnswer),
            ['Idempotency-Replayed'],
          ),
          fromDialect(loginRefused, 'Address or password is wrong.', failure),
          fromDialect(waitFor(5_000), 'Too many logins failed.', failure),
        ],
      },
      'email',
    ),
  ],
}
