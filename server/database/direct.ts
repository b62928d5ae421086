import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import type { Db, Tx } from './schema.ts'

const connections = new WeakMap<Db, DatabaseConnection>()

/** Lets `runDirectly` reach the transaction's connection, until disposed. */
export function openDirectWay(tx: Tx, connection: DatabaseConnection): Disposable {
  connections.set(tx, connection)
  return { [Symbol.dispose]: () => void connections.delete(tx) }
}

/** Runs a compiled query; inside a transaction without Kysely's layers, which cost more than a small query. */
export function runDirectly<Row>(db: Db, query: CompiledQuery<Row>): Promise<QueryResult<Row>> {
  return (connections.get(db) ?? db).executeQuery<Row>(query)
}
