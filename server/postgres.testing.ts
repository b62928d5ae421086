import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

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

/** A database of its own on the test run's PostgreSQL, empty or with the schema in it; dropped when disposed. */
export async function newPostgresDatabase(template: string = migratedTemplate): Promise<PostgresDatabase> {
  const name = `t${randomBytes(6).toString('hex')}`
  await run(`create database ${name} template ${template}`)
  const url = new URL(inject('postgresUrl'))
  url.pathname = name
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => run(`drop database ${name} with (force)`),
  }
}

async function run(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  await client.query(statement)
  await client.end()
}
