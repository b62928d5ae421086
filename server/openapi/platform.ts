import { refusal } from '../metrics/routes.ts'
import type { ApiDescription } from './describe.ts'
import { objectSchema } from './schema.ts'

const state = objectSchema('Health', { status: { type: 'string' } })
const figures = { name: 'Figures', schema: { type: 'string' } }
const document = { name: 'OpenApiDocument', schema: { type: 'object' } }
const failure = objectSchema('Failure', { message: { type: 'string' } })

/** What the server answers about itself. */
export const platformApi: ApiDescription = {
  name: 'platform',
  description:
    'For those who run the server and who write clients for it. Unknown paths outside every API answer 404 with a ' +
    '`message`.',
  operations: [
    {
      method: 'get',
      path: '/health/live',
      id: 'live',
      summary: 'The process answers',
      answers: [{ status: 200, when: 'It does.', body: { schema: state, example: { status: 'ok' } } }],
    },
    {
      method: 'get',
      path: '/health/ready',
      id: 'ready',
      summary: 'Whether to send requests here',
      answers: [
        { status: 200, when: 'Send requests.', body: { schema: state, example: { status: 'ready' } } },
        {
          status: 503,
          when: 'Send none: the database takes no writes.',
          body: { schema: state, example: { status: 'database-unavailable' } },
        },
        {
          status: 503,
          when: 'Send none: the server is stopping.',
          body: { schema: state, example: { status: 'stopping' } },
        },
      ],
    },
    {
      method: 'get',
      path: '/metrics',
      id: 'metrics',
      summary: 'Figures for Prometheus',
      description: 'Answered to this machine alone, unless the server was started with `--metrics-from`.',
      answers: [
        {
          status: 200,
          when: 'All figures.',
          body: { schema: figures, example: 'vlt_database_up 1\n', mediaType: 'text/plain' },
        },
        {
          status: 403,
          when: 'The request came from elsewhere, or through a proxy.',
          body: { schema: failure, example: refusal.body },
        },
      ],
    },
    {
      method: 'get',
      path: '/openapi.json',
      id: 'openApi',
      summary: 'This document',
      parameters: ['If-None-Match'],
      headers: ['ETag', 'Cache-Control'],
      answers: [
        { status: 200, when: 'The document.', body: { schema: document, example: { openapi: '3.1.0' } } },
        { status: 304, when: 'The copy at hand is the newest.' },
      ],
    },
  ],
}
