import { z } from 'zod'

/** A JSON Schema (draft 2020-12) and the name it has among the document's components. */
export interface NamedSchema {
  name: string
  schema: Record<string, unknown>
}

/**
 * What a request body looks like, from the contract that checks it. Rules written as code say of themselves in
 * `.meta({ type, … })` what JSON Schema cannot find out; required is what the contract misses in an empty object.
 */
export function requestSchema(name: string, contract: z.ZodObject): NamedSchema {
  const { properties } = jsonSchema(contract, 'input')
  const missed = contract.safeParse({}).error?.issues.map(({ path }) => String(path[0])) ?? []
  const required = Object.keys(contract.shape).filter((field) => missed.includes(field))
  return { name, schema: { type: 'object', properties, required } }
}

/** What an answer body looks like, from its contract. */
export function answerSchema(name: string, contract: z.ZodType): NamedSchema {
  return { name, schema: jsonSchema(contract, 'output') }
}

/** An answer body without a contract of its own: an object with exactly these fields. */
export function objectSchema(name: string, properties: Record<string, unknown>): NamedSchema {
  return { name, schema: closedObject(properties) }
}

export function closedObject(properties: Record<string, unknown>): Record<string, unknown> {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}

function jsonSchema(contract: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(contract, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema: found }) => {
      // The bounds of JavaScript's whole numbers say nothing about the field.
      if (found.minimum === Number.MIN_SAFE_INTEGER) delete found.minimum
      if (found.maximum === Number.MAX_SAFE_INTEGER) delete found.maximum
    },
  })
  return schema
}
