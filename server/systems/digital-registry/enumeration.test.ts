import { performance } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { engines, type Received } from '../../testbed.testing.ts'
import { ask, openRegistry } from './registry.testing.ts'

// 1,000 tries in all: two of a pair, on two engines.
const pairs = 250
const toleranceMs = 5

const attempts = {
  unknown: { changes: { Username: '111111111' }, text: 'Usuario no encontrado.' },
  wrong: { changes: { Password: 'MiClaveSegura2' }, text: 'Error de autenticación.' },
}
const turn = ['unknown', 'wrong'] as const

/**
 * The documented texts tell an unknown user from a wrong password; the time they take must tell nothing more. The
 * two of a pair are tried back to back, in turns of who comes first, so that whatever else the machine does meets
 * both; how far it still scatters the differences is measured and allowed for.
 */
test.concurrent.each(engines)(
  'an unknown user takes as long as a wrong password, on %s',
  { timeout: 300_000 },
  async (engine) => {
    await using bed = await openRegistry({ engine, trustedProxy: ['127.0.0.1/32'] })
    const differences: number[] = []
    const shapes = new Set<string>()
    for (let pair = 0; pair < pairs; pair += 1) {
      const took = { unknown: 0, wrong: 0 }
      for (const kind of pair % 2 === 0 ? turn : turn.toReversed()) {
        const { changes, text } = attempts[kind]
        // A network of its own for each try: failures would slow down.
        const forwarded = `10.1.${String(pair)}.${kind === 'wrong' ? '1' : '2'}`
        const started = performance.now()
        const answer = await ask(bed.port, changes, { headers: { 'x-forwarded-for': forwarded } })
        took[kind] = performance.now() - started
        expect([answer.status, answer.body]).toEqual([401, JSON.stringify({ status: 401, message: text })])
        shapes.add(shapeOf(answer))
      }
      expect(took.unknown).toBeGreaterThan(5)
      differences.push(took.unknown - took.wrong)
    }
    expect(shapes.size).toBe(1)
    const difference = median(differences)
    const scatter = median(differences.map((value) => Math.abs(value - difference)))
    // Four standard errors of a median, estimated from the median deviation.
    const noise = (4 * 1.4826 * 1.2533 * scatter) / Math.sqrt(pairs)
    expect(Math.abs(difference), `noise ${String(noise)} ms`).toBeLessThan(toleranceMs + noise)
  },
)

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}

/** Everything of an answer but its text and its time. */
function shapeOf({ headers }: Received): string {
  const { date: _date, 'content-length': _length, ...rest } = headers
  return JSON.stringify(rest)
}
