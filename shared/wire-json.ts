/** A JSON number written with a point or an exponent: PHP and Laravel tell `1.0` from `1`, JavaScript cannot. */
export class FloatLiteral {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

// Where a value may stand, a number with a point, an exponent or 16 digits. Looking is cheaper than reviving.
const mayHoldSpecialNumber = /(?:^|"\s*:|[[,])\s*-?\d+(?:[.eE]|\d{15})/

/**
 * Parses JSON text without losing what the dialects look at: integers beyond 2^53 come as bigint, numbers written
 * as floats as FloatLiteral. Answers undefined for text that is not JSON.
 */
export function parseWireJson(text: string): unknown {
  try {
    if (!mayHoldSpecialNumber.test(text)) return JSON.parse(text) as unknown
    return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
      if (typeof value !== 'number') return value
      const source = context?.source ?? String(value)
      if (/[.eE]/.test(source)) return new FloatLiteral(value)
      return Number.isSafeInteger(value) ? value : BigInt(source)
    }) as unknown
  } catch {
    return undefined
  }
}

declare global {
  // ECMAScript's own since Node 22; TypeScript's library does not list it yet.
  interface JSON {
    rawJSON(text: string): unknown
  }
}

/** JSON text of an object, in the order of its keys; the named keys hold decimal text and are written as integers. */
export function formatWireJson(body: Record<string, unknown>, integerKeys: ReadonlySet<string>): string {
  const exact = Object.entries(body).map(([key, value]) => [
    key,
    integerKeys.has(key) && typeof value === 'string' ? JSON.rawJSON(value) : value,
  ])
  return JSON.stringify(Object.fromEntries(exact))
}
