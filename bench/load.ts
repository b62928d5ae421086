import { Pool } from 'undici'
import { summarize, type Round } from './round.ts'

const headers = { 'content-type': 'application/json', accept: 'application/json' }

/** Posts every body over so many connections, one request after the other on each; each has to be answered 201. */
export async function postAll(url: string, bodies: string[], connections: number): Promise<Round> {
  const { origin, pathname: path } = new URL(url)
  const pool = new Pool(origin, { connections, pipelining: 1 })
  const latencies: number[] = []
  const left = bodies.values()
  const start = performance.now()
  const one = async (): Promise<void> => {
    for (const body of left) {
      const before = performance.now()
      const answer = await pool.request({ path, method: 'POST', headers, body })
      await answer.body.dump()
      if (answer.statusCode !== 201) throw new Error(`unexpected status ${String(answer.statusCode)}`)
      latencies.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: connections }, one))
  const elapsedMs = performance.now() - start
  await pool.close()
  return summarize(latencies, elapsedMs)
}
