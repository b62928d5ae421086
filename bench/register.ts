import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram, startServer } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { postAll } from './load.ts'
import type { Round, Side } from './round.ts'
import { startScript } from './script.ts'

const requests = 3_000
const connections = 50

let next = 1

/** Posts new clients with new cards. */
function load(url: string): Promise<Round> {
  const bodies = Array.from({ length: requests }, () => {
    const codigo = next++
    const tarjeta = (0x10000000 + codigo).toString(16).toUpperCase()
    return JSON.stringify({ ...(JSON.parse(sampleClient(codigo)) as object), tarjeta })
  })
  return postAll(`${url}/api/clientes/register`, bodies, connections)
}

/** Where the two sides keep their rows; both on the embedded database when undefined. */
export interface TwoDatabases {
  ours: string
  bare: string
}

/** The whole server against a bare handler that stores the same rows; each a process of its own. */
export async function registerBench(
  folder: string,
  databases?: TwoDatabases,
): Promise<AsyncDisposable & { ours: Side; baseline: Side }> {
  mkdirSync(folder)
  await using stack = new AsyncDisposableStack()
  const databaseUrl = (url: string | undefined) => (url === undefined ? [] : ['--database-url', url])
  const server = stack.use(
    await startServer(join(folder, 'server'), {
      args: ['--vlt-rate-limit', '1000000', '--log-level', 'error', ...databaseUrl(databases?.ours)],
    }),
  )
  const bareFolder = join(folder, 'bare')
  const made = await runProgram('server', ['migrate', '--data', bareFolder, ...databaseUrl(databases?.bare)])
  if (made.code !== 0) throw new Error(made.stderr)
  const bare = stack.use(
    await startScript('bare-server.ts', [databases?.bare ?? join(bareFolder, 'server.db')]),
  )
  const owned = stack.move()
  return {
    ours: () => load(server.url),
    baseline: () => load(bare.firstLine),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
