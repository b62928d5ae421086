import { z } from 'zod'
import type { OptionHelp } from '../reader.ts'

/** One of these numbers or words, as written. */
export function choice<const T extends string>(...values: T[]) {
  return z.enum(values, `must be one of ${values.join(', ')}`)
}

/** The options of a driver: refuses others, by name, and lists its own. */
export function driverOptions<T extends z.core.$ZodLooseShape>(shape: T) {
  const names = Object.keys(shape)
  return z.strictObject(
    { path: z.string(), ...shape },
    {
      error: (issue) => {
        if (issue.code !== 'unrecognized_keys') return undefined
        const unknown = issue.keys.map((key) => `'${key}'`).join(', ')
        return `no option is called ${unknown}; the options are ${names.join(', ')}`
      },
    },
  )
}

/** For `reader drivers`, from the descriptions in the schema. */
export function optionHelp(shape: Record<string, z.ZodType>): OptionHelp[] {
  return Object.entries(shape).map(([name, schema]) => ({ name, meaning: schema.description ?? '' }))
}
