import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { newDatabase } from './postgres-cluster.testing.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string
  }
}

export interface PostgresDatabase extends AsyncDisposable {
  readonly url: string
}

/** The schema, made once for a test run and copied for each test. */
export const migratedTemplate = 'vlt_migrated'

// Dropping a database whose connections have just been closed would wait for PostgreSQL to notice.
const done: string[] = []
const keptDone = 2

/** A database of its own on the test run's PostgreSQL, empty or with the schema in it; gone some time after. */
export async function newPostgresDatabase(template: string = migratedTemplate): Promise<PostgresDatabase> {
  const name = `t${randomBytes(6).toString('hex')}`
  return {
    url: await newDatabase(inject('postgresUrl'), name, template),
    [Symbol.asyncDispose]: async () => {
      done.push(name)
      const oldest = done.length > keptDone ? done.shift() : undefined
      if (oldest !== undefined) await drop(oldest)
    },
  }
}

/** A database with others' connections in it goes as well. */
async function drop(name: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  await client.query(`drop database ${name} with (force)`)
  await client.end()
}
