import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { systemClock } from '../shared/clock.ts'
import { type ChildServer, startServer } from './child-server.testing.ts'
import { readSettings } from './config.ts'
import { type Core, openCore } from './core.ts'
import type { Engine } from './database/schema.ts'
import { newPostgresDatabase } from './postgres.testing.ts'

/** A data folder and a database for real programs, and the core of an admin command beside them. */
export interface Place extends AsyncDisposable {
  readonly folder: string
  readonly core: Core
  /** Any command here. */
  run(...args: string[]): Promise<ChildServer>
  /** A server here, on a free port. */
  serve(...args: string[]): Promise<ChildServer>
}

export async function openPlace(engine: Engine): Promise<Place> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'vlt-place-')), (path) => {
    rmSync(path, { recursive: true, force: true })
  })
  const url = engine === 'postgres' ? stack.use(await newPostgresDatabase()).url : undefined
  const settings = readSettings({ data: folder, databaseUrl: url }, {})
  const core = stack.use(await openCore(settings, systemClock, 'command'))
  const place = ['--data', folder, ...(url === undefined ? [] : ['--database-url', url])]
  const opened = stack.move()
  return {
    folder,
    core,
    run: (...args) => startKilled([...args, ...place]),
    serve: (...args) => startKilled(['serve', '--port', '0', ...args, ...place]),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Killed when the test ends before it does. */
async function startKilled(args: string[]): Promise<ChildServer> {
  const child = await startServer(args)
  onTestFinished(async () => {
    child.process.kill('SIGKILL')
    await child.ended
  })
  return child
}
