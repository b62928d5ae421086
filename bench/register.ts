import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { startServer } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { summarize, type Round, type Side } from './round.ts'

const requests = 3_000
const connections = 50

let next = 1

/** Posts new clients with new cards over `connections` connections, one request after the other on each. */
async function load(url: string): Promise<Round> {
  const pool = new Pool(url, { connections, pipelining: 1 })
  const latencies: number[] = []
  const start = performance.now()
  let left = requests
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const codigo = next++
      const body = JSON.stringify({
        ...(JSON.parse(sampleClient(codigo)) as object),
        tarjeta: (0x10000000 + codigo).toString(16),
      })
      const before = performance.now()
      const answer = await pool.request({
        path: '/api/clientes/register',
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body,
      })
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

/** The whole server against a bare handler that stores the same rows; each a process of its own. */
export async function registerBench(
  folder: string,
): Promise<AsyncDisposable & { ours: Side; baseline: Side }> {
  mkdirSync(folder)
  await using stack = new AsyncDisposableStack()
  const server = stack.use(
    await startServer(join(folder, 'server'), {
      args: ['--vlt-rate-limit', '1000000', '--log-level', 'error'],
    }),
  )
  const bare = spawn(
    process.execPath,
    [fileURLToPath(new URL('bare-server.ts', import.meta.url)), join(folder, 'bare.db')],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  stack.defer(() => void bare.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: bare.stdout }), 'line')) as [string]
  const owned = stack.move()
  return {
    ours: () => load(server.url),
    baseline: () => load(line),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
