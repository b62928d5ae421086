import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { systemClock } from '../shared/clock.ts'
import { createLog } from '../shared/log.ts'
import { type Canaries, createCanaries } from './canaries.testing.ts'
import { type ChildServer, startServer } from './child-server.testing.ts'
import { readSettings } from './config.ts'
import { openCore, type Core } from './core.ts'
import type { Engine } from './database/schema.ts'
import { newPostgresDatabase } from './postgres.testing.ts'

/** A server as people run it, at its most talkative, and what an operator can do beside it. */
export interface Watched extends AsyncDisposable {
  server: ChildServer
  port: number
  folder: string
  databaseUrl: string | undefined
  canaries: Canaries
}

export async function watch(engine: Engine): Promise<Watched> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'vlt-privacy-')), (path) => {
    rmSync(path, { recursive: true, force: true })
  })
  const databaseUrl = engine === 'postgres' ? stack.use(await newPostgresDatabase()).url : undefined
  const place = ['--data', folder, ...(databaseUrl === undefined ? [] : ['--database-url', databaseUrl])]
  const limits = ['--vlt-rate-limit', '1000000', '--rate-limit', '1000000']
  const args = [
    ...place,
    ...limits,
    '--vlt-destination',
    'lobby',
    '--insecure-loopback',
    '--log-level',
    'debug',
  ]
  const server = await startServer(['serve', '--port', '0', ...args])
  stack.defer(async () => {
    server.process.kill('SIGKILL')
    await server.ended
  })
  if (server.port === undefined) throw new Error(`the server did not listen: ${server.stderr()}`)
  const owned = stack.move()
  return {
    server,
    port: server.port,
    folder,
    databaseUrl,
    canaries: createCanaries(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** What an operator's commands stand on, beside the running server. */
export function openBeside({ folder, databaseUrl }: Watched): Promise<Core> {
  const place = readSettings({ data: folder, databaseUrl }, {})
  return openCore(place, systemClock, 'command', createLog('operator', 'error'))
}

/** All that is kept, as it lies there; but not the mails themselves, which are files where there is no SMTP server. */
export async function stored({ folder, databaseUrl }: Watched): Promise<Buffer> {
  const files = globSync('**/*', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath !== join(folder, 'mail'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
  if (databaseUrl === undefined) return Buffer.concat(files)
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows: tables } = await client.query<{ name: string }>(
    "select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'",
  )
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`)
    files.push(...rows.map(({ row }) => Buffer.from(`${row}\n`)))
  }
  await client.end()
  return Buffer.concat(files)
}

/** While this is held, nothing can be read or written: the server has to log what its database says. */
export async function breakDatabase(watched: Watched): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const core = stack.use(await openBeside(watched))
  const { schema, introspection } = core.database.db
  const rename = (from: string, to: string): Promise<void> => schema.alterTable(from).renameTo(to).execute()
  for (const { name } of await introspection.getTables()) {
    // Without these nothing else would be reached.
    if (['heartbeat', 'hits'].includes(name)) continue
    await rename(name, `${name}_away`)
    stack.defer(() => rename(`${name}_away`, name))
  }
  return stack.move()
}
