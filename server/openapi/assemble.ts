import {
  type ApiDescription,
  type DescribedAnswer,
  headers,
  type Operation,
  parameters,
  securitySchemes,
} from './describe.ts'
import type { NamedSchema } from './schema.ts'

type Json = Record<string, unknown>

/** The parts of an OpenAPI 3.1 document that come from descriptions of APIs. */
export interface Assembled {
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Json>>
  components: Record<'schemas' | 'headers' | 'parameters' | 'securitySchemes', Json>
}

export function assemble(apis: readonly ApiDescription[]): Assembled {
  const schemas: Json = {}
  const refer = ({ name, schema }: NamedSchema): Json => {
    if (name in schemas && schemas[name] !== schema) throw new Error(`two schemas have the name ${name}`)
    schemas[name] = schema
    return { $ref: `#/components/schemas/${name}` }
  }
  const paths: Assembled['paths'] = {}
  for (const api of apis) {
    for (const operation of api.operations) {
      const item = (paths[operation.path] ??= {})
      item[operation.method] = { tags: [api.name], ...describeOperation(operation, refer) }
    }
  }
  return {
    tags: apis.map(({ name, description }) => ({ name, description })),
    paths,
    components: {
      schemas,
      headers,
      parameters: Object.fromEntries(
        Object.entries(parameters).map(([name, parameter]) => [name, { name, ...parameter }]),
      ),
      securitySchemes,
    },
  }
}

type Refer = (schema: NamedSchema) => Json

/** What is undefined here is not there once the document is JSON. */
function describeOperation(operation: Operation, refer: Refer): Json {
  const { id, summary, description, security, parameters: sent, request } = operation
  return {
    operationId: id,
    summary,
    description,
    security: security && [{ [security]: [] }],
    parameters: sent?.map((name) => ({ $ref: `#/components/parameters/${name}` })),
    requestBody: request && {
      required: true,
      content: { 'application/json': { schema: refer(request.schema), examples: request.examples } },
    },
    responses: describeAnswers(operation, refer),
  }
}

/** One response per status: the reasons that share it are told together, each with its example. */
function describeAnswers({ answers, headers: always = [] }: Operation, refer: Refer): Json {
  const responses: Json = {}
  for (const [status, reasons = []] of Object.entries(Object.groupBy(answers, (answer) => answer.status))) {
    const names = [...always, ...reasons.flatMap(({ headers: own = [] }) => own)]
    responses[status] = {
      description: reasons.map(({ when }) => (reasons.length === 1 ? when : `- ${when}`)).join('\n'),
      headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
      content: describeBodies(reasons, refer),
    }
  }
  return responses
}

function describeBodies(reasons: DescribedAnswer[], refer: Refer): Json | undefined {
  const bodies = reasons.flatMap(({ when, body }) => (body === undefined ? [] : [{ when, ...body }]))
  if (bodies.length === 0) return undefined
  const byType = Object.groupBy(bodies, ({ mediaType = 'application/json' }) => mediaType)
  return Object.fromEntries(
    Object.entries(byType).map(([mediaType, same = []]) => {
      const shapes = [...new Set(same.map(({ schema }) => schema))].map(refer)
      const examples = same.map(({ when, example }, place) => [
        `example${String(place + 1)}`,
        { summary: when, value: example },
      ])
      const schema = shapes.length === 1 ? shapes[0] : { anyOf: shapes }
      const told =
        same.length === 1 ? { example: same[0]?.example } : { examples: Object.fromEntries(examples) as Json }
      return [mediaType, { schema, ...told }]
    }),
  )
}
