import { z } from 'zod'
import { openApiDocument } from './document.ts'

type Json = Record<string, unknown>

interface Media {
  schema: Json
  example?: unknown
  examples?: Record<string, { summary: string; value: unknown }>
}

export interface DescribedOperation {
  operationId: string
  tags: string[]
  parameters?: { $ref: string }[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { description: string; headers: Json; content?: Record<string, Media> }>
}

/** The document as a client reads it. */
export const document = JSON.parse(JSON.stringify(openApiDocument(undefined))) as {
  paths: Record<string, Record<string, DescribedOperation>>
  components: { schemas: Json }
}

export interface PlacedOperation {
  method: string
  path: string
  operation: DescribedOperation
}

export const operations: PlacedOperation[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
)

/** The request body of an operation that takes one. */
export function requestFields({ requestBody }: DescribedOperation) {
  const { $ref = '' } = requestBody?.content['application/json']?.schema as { $ref?: string }
  return document.components.schemas[$ref.split('/').at(-1) ?? ''] as {
    properties: Record<string, { type: string | string[] }>
    required: string[]
  }
}

/** What is wrong with a value by one of the document's schemas, or nothing. */
export function faults(schema: Json, value: unknown): string[] {
  // Zod looks for named schemas in $defs alone.
  const local = JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/')) as Json
  const $defs = JSON.parse(
    JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/'),
  ) as Json
  const { error } = z.fromJSONSchema({ ...local, $defs } as z.core.JSONSchema.JSONSchema).safeParse(value)
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
}

export interface Answered {
  status: number
  headers: Record<string, unknown>
  /** Null for an empty one. */
  body: unknown
}

// What HTTP and HTTPS themselves add, and what says how to read the body.
const everywhere = [
  'content-type',
  'content-length',
  'date',
  'connection',
  'keep-alive',
  'strict-transport-security',
]

/** Where an answer is not as the document says: an undocumented status or header, another media type or body. */
export function departures({ operation }: PlacedOperation, { status, headers, body }: Answered): string[] {
  const response = operation.responses[String(status)]
  if (response === undefined) return [`status ${String(status)} is not documented`]
  const known = [...everywhere, ...Object.keys(response.headers).map((name) => name.toLowerCase())]
  const strange = Object.keys(headers).filter((name) => !known.includes(name))
  const found = strange.map((name) => `header ${name} is not documented with status ${String(status)}`)
  // The answer to a HEAD: as documented, less the body.
  if (body === undefined) return found
  if (response.content === undefined) return body === null ? found : [...found, 'no body is documented']
  const type = String(headers['content-type']).split(';', 1)[0] ?? ''
  const media = response.content[type]
  if (media === undefined) return [...found, `no ${type} is documented with status ${String(status)}`]
  return [...found, ...faults(media.schema, body)]
}
