import {
  joinAnswer,
  joinPath,
  joinRequest,
  keyAnswer,
  keyPath,
  keyRequest,
  refusalAnswer,
  registrationsAnswer,
  registrationsPath,
  registrationsRequest,
  reportAnswer,
  reportPath,
  reportRequest,
} from '../../shared/contracts/kiosk-sync.ts'
import type { Answer } from '../plugins/answer.ts'
import {
  answersOfRoute,
  type ApiDescription,
  type DescribedAnswer,
  fromDialect,
  limitHeaders,
  type Operation,
  type ParameterName,
} from '../openapi/describe.ts'
import { answerSchema, type NamedSchema, requestSchema } from '../openapi/schema.ts'
import { behind, kiosksDialect, refusal } from './dialect.ts'

const failure = answerSchema('KioskRefusal', refusalAnswer)
const refused = (answer: Answer, when: string): DescribedAnswer => fromDialect(answer, when, failure)
const unreadable: Answer = { status: 400, body: { message: 'The request could not be read.' } }

const ofAll: DescribedAnswer[] = [
  refused(refusal('signature-invalid'), 'A signature is missing, covers too little, or does not fit.'),
  refused(refusal('invalid'), 'The body is not what the schema says.'),
  refused(unreadable, 'The request ended early, or a header is broken.'),
  ...answersOfRoute(kiosksDialect, failure),
]

const ofSigned: DescribedAnswer[] = [
  refused(refusal('key-unknown'), 'No kiosk has the key: another server, or another key since.'),
  refused(refusal('kiosk-pending'), 'An operator has yet to activate the kiosk.'),
  refused(refusal('kiosk-locked'), 'Two machines use the key: the kiosk has to join again.'),
  refused(refusal('kiosk-revoked'), 'The kiosk was revoked.'),
  refused(
    behind('tq1g…'),
    'The sequence is lower than one that came before. Who is there sends the request again with the challenge in ' +
      'a signed `Kiosk-Challenge`, and thereby proves that two machines use the key: it is locked.',
  ),
  refused(kiosksDialect.tooLarge, 'The body is longer than 2 MiB.'),
]

const signature: ParameterName[] = ['Signature-Input', 'Signature', 'Content-Digest', 'Kiosk-Sequence']
const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
const epoch = '7e0a3c1e-6e4c-4d83-9d55-6a0f5cf6f2b1'

type Schemas = Record<'request' | 'answer', NamedSchema>

function signed(
  given: Pick<Operation, 'path' | 'id' | 'summary' | 'description'>,
  { request, answer }: Schemas,
  examples: { request: unknown; answer: Answer; when: string; more?: DescribedAnswer[] },
): Operation {
  return {
    method: 'post',
    ...given,
    security: 'kioskSignature',
    parameters: [...signature, 'Kiosk-Challenge'],
    request: { schema: request, examples: { one: { summary: given.summary, value: examples.request } } },
    headers: limitHeaders,
    answers: [
      fromDialect(examples.answer, examples.when, answer),
      ...(examples.more ?? []),
      ...ofSigned,
      ...ofAll,
    ],
  }
}

/** What an integrator needs to know of /v1/kiosk. */
export const kiosksApi: ApiDescription = {
  name: 'kiosks',
  description:
    'Lobby machines hand over their backlog here. Requests are signed (RFC 9421, Ed25519, tag `vlt-kiosk`) over ' +
    '`@method`, `@authority`, `@path`, `content-digest`, `content-type`, `kiosk-sequence` and, where sent, ' +
    '`kiosk-challenge`; `keyid` is the thumbprint of the key (RFC 7638). `created` is not needed and not looked at: ' +
    'a kiosk’s clock may be wrong. Instead each request has a higher `Kiosk-Sequence` than all before; gaps are fine, ' +
    'and the very same request may be repeated.',
  operations: [
    {
      method: 'post',
      path: joinPath,
      id: 'joinKiosk',
      summary: 'Join with a one-time code',
      description: 'Signed by the key that joins, with sequence 0. The same code and key are answered again.',
      security: 'kioskSignature',
      parameters: signature,
      request: {
        schema: requestSchema('KioskJoin', joinRequest),
        examples: {
          lobby: {
            summary: 'A new kiosk',
            value: { code: '7K2Q-9FMX-4TBA', publicKey: key, name: 'Lobby', version: '1.0.0' },
          },
        },
      },
      headers: limitHeaders,
      answers: [
        fromDialect(
          {
            status: 201,
            body: { kioskId: 3, name: 'Lobby', state: 'pending', fingerprint: '0E40-383E-8D5A-81C7' },
          },
          'The kiosk has joined; a pending one waits for the operator.',
          answerSchema('KioskJoined', joinAnswer),
        ),
        refused(refusal('code-refused'), 'The code is unknown, over, or was used with another key.'),
        refused(kiosksDialect.tooLarge, 'The body is longer than 64 KiB.'),
        ...ofAll,
      ],
    },
    signed(
      {
        path: registrationsPath,
        id: 'takeRegistrations',
        summary: 'Hand over up to 200 registrations',
        description:
          'Each is answered as its own endpoint would have: one that is refused holds up none of the others. Keys ' +
          'are those of the endpoint, so a registration that is sent both ways counts once.',
      },
      {
        request: requestSchema('KioskRegistrations', registrationsRequest),
        answer: answerSchema('KioskResults', registrationsAnswer),
      },
      {
        request: {
          epoch,
          items: [
            {
              sequence: 1,
              system: 'vlt-clients',
              idempotencyKey: '5f0c8f5e-0c1d-4c0e-9a55-2f6b1a7f3c11',
              body: '{"codigoClienteVLT":70,"correo":"cliente70@gmail.com","tarjeta":"A0C2BBCA","enviarWhatsApp":true,"enviarCorreo":true,"enviarSms":true}',
            },
          ],
        },
        answer: {
          status: 200,
          body: {
            results: [
              {
                idempotencyKey: '5f0c8f5e-0c1d-4c0e-9a55-2f6b1a7f3c11',
                status: 201,
                headers: {},
                body: '{"id":70,"tarjeta":"A0C2BBCA","mensaje":"cliente nuevo","esDuplicado":false}',
              },
            ],
          },
        },
        when: 'The batch was dealt with, and what was taken is stored.',
        more: [
          fromDialect(
            kiosksDialect.tooManyAttempts,
            'The kiosks’ backlogs together bring more than the server wants; one registration alone always passes.',
            failure,
            ['Retry-After'],
          ),
        ],
      },
    ),
    signed(
      {
        path: reportPath,
        id: 'reportKiosk',
        summary: 'Compare what the kiosk has delivered with what is held',
        description: 'A gap opens a case for staff: `vlt-server case list`.',
      },
      {
        request: requestSchema('KioskReport', reportRequest),
        answer: answerSchema('KioskReportAnswer', reportAnswer),
      },
      {
        request: {
          ...{
            epoch,
            version: '1.0.0',
            highestSequence: 1,
            accepted: 1,
            delivered: 1,
            dead: 0,
            discarded: 0,
          },
          ...{ pending: 0, documented: 0, chainHead: null },
        },
        answer: { status: 200, body: { agrees: true, taken: 1, gaps: [] } },
        when: 'The report is kept.',
      },
    ),
    signed(
      {
        path: keyPath,
        id: 'rotateKioskKey',
        summary: 'Replace the key',
        description:
          'Signed by the old key and, under the label `new-key` with the same components, by the new one. The old key ' +
          'is unknown from then on.',
      },
      { request: requestSchema('KioskKey', keyRequest), answer: answerSchema('KioskKeyAnswer', keyAnswer) },
      {
        request: { publicKey: key },
        answer: {
          status: 200,
          body: {
            keyId: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
            fingerprint: '0E40-383E-8D5A-81C7',
          },
        },
        when: 'The new key holds.',
      },
    ),
  ],
}
