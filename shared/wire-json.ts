/** A JSON number written with a point or an exponent: PHP and Laravel tell `1.0` from `1`, JavaScript cannot. */
export class FloatLiteral {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/**
 * Parses JSON text without losing what the dialects look at: integers beyond 2^53 come as bigint, numbers written
 * as floats as FloatLiteral. Answers undefined for text that is not JSON.
 */
export function parseWireJson(text: string): unknown {
  try {
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
