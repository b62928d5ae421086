import { performance } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { engines, type Received } from '../../testbed.testing.ts'
import { ask, openRegistry } from './registry.testing.ts'

const pairs = 500
const toleranceMs = 5

const attempts = {
  unknown: { changes: { Username: '111111111' }, text: 'Usuario no encontrado.' },
  wrong: { changes: { Password: 'MiClaveSegura2' }, text: 'Error de autenticación.' },
}
const turn = ['unknown', 'wrong'] as const

/**
 * The documented texts tell an unknown user from a wrong password; the time they take must tell nothing more. Each
 * pair is tried back to back, in turns of who comes first, so that whatever else the machine does meets both.
 */
test.concurrent.each(engines)(
  'an unknown user takes as long as a wrong password, on %s',
  { timeout: 400_000 },
  async (engine) => {
    await using bed = await openRegistry({ engine, trustedProxy: ['127.0.0.1/32'] })
    const times = { unknown: [] as number[], wrong: [] as number[] }
    const shapes = new Set<string>()
    for (let pair = 0; pair < pairs; pair += 1) {
      for (const kind of pair % 2 === 0 ? turn : turn.toReversed()) {
        const { changes, text } = attempts[kind]
        // A network of its own for each try: failures would slow down.
        const forwarded = `10.${String(pair >> 8)}.${String(pair & 255)}.${kind === 'wrong' ? '1' : '2'}`
        const started = performance.now()
        const answer = await ask(bed.port, changes, { headers: { 'x-forwarded-for': forwarded } })
        times[kind].push(performance.now() - started)
        expect([answer.status, answer.body]).toEqual([401, JSON.stringify({ status: 401, message: text })])
        shapes.add(shapeOf(answer))
      }
    }
    expect(shapes.size).toBe(1)
    const [unknown, wrong] = [median(times.unknown), median(times.wrong)]
    console.log(engine, unknown, wrong)
    expect(unknown).toBeGreaterThan(5)
    expect(Math.abs(unknown - wrong), `medians ${String(unknown)} and ${String(wrong)} ms`).toBeLessThan(
      toleranceMs,
    )
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
