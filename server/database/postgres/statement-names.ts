// The server's queries are a few dozen texts; the caps are for what a future caller may build.
const maxNames = 500
const maxTextLength = 10_000

// PostgreSQL refuses such a statement once an instance of a newer version has given the table another column.
const everyColumn = /(select|returning) \*|"\.\*/

// Not `rollback`, nor a change of the schema: these have to run whatever else is asked for.
const worthIt = /^\s*(begin|commit|delete|insert|select|update|with)\b/i

const names = new Map<string, string>()

/**
 * The name to prepare a statement under, the same on every connection: PostgreSQL parses and plans a statement it
 * knows by name once per connection, instead of each time. Undefined for texts that are better sent as they are.
 */
export function statementName(text: string): string | undefined {
  const known = names.get(text)
  if (known !== undefined) return known
  if (names.size >= maxNames || text.length > maxTextLength) return undefined
  if (!worthIt.test(text) || everyColumn.test(text)) return undefined
  const name = `vlt-${String(names.size + 1)}`
  names.set(text, name)
  return name
}
