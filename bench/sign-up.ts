import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startServer } from '../demo/programs.ts'
import { postAll } from './load.ts'
import { summarize, type Round, type Side } from './round.ts'
import { startScript } from './script.ts'

const signUps = 150
// Enough that the next one always waits while another is hashed.
const connections = 8

let next = 1

function load(url: string): Promise<Round> {
  const bodies = Array.from({ length: signUps }, () => {
    const name = `user${String(next++)}`
    return JSON.stringify({
      usuarioLogin: name,
      usuarioCorreo: `${name}@example.com`,
      usuarioPassword: 'securePass123',
      usuarioNombre: 'John',
      usuarioApellido: 'Doe',
      departamentoId: 5,
    })
  })
  return postAll(`${url}/api/register`, bodies, connections)
}

async function bareHashes(): Promise<Round> {
  await using run = await startScript('bare-hashes.ts', [String(signUps)])
  const { elapsedMs, latencies } = JSON.parse(run.firstLine) as { elapsedMs: number; latencies: number[] }
  return summarize(latencies, elapsedMs)
}

/** Sign-ups of users over HTTP, against nothing but as many hashes of their passwords. */
export async function signUpBench(folder: string): Promise<AsyncDisposable & { ours: Side; baseline: Side }> {
  mkdirSync(folder)
  const server = await startServer(join(folder, 'server'), {
    args: ['--rate-limit', '1000000', '--log-level', 'error'],
  })
  return {
    ours: () => load(server.url),
    baseline: bareHashes,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
