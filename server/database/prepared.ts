import { type Compilable, type CompiledQuery, type Expression, sql } from 'kysely'
import { runDirectly } from './direct.ts'
import { isPostgres } from './locks.ts'
import type { Db, Engine, Tx } from './schema.ts'
import { trail } from './trailing.ts'

/** Stands in a query for the value of that name. */
export type Hole<Values> = <K extends keyof Values & string>(name: K) => Expression<Values[K]>

export interface Prepared<Values, Row> {
  /** Runs the query with these values and answers its rows. */
  run(db: Db, values: Values): Promise<Row[]>
  /** Leaves it for the end of the work: see trailing.ts. */
  trail(tx: Tx, values: Values): void
}

class Placeholder {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/**
 * A query that is built once for each engine and from then on only given its values: for the few that every request
 * needs, because building one takes longer than running it.
 */
export function prepared<Values extends object>() {
  const hole: Hole<Values> = (name) => sql`${new Placeholder(name)}`
  return <Row>(build: (db: Db, hole: Hole<Values>) => Compilable<Row>): Prepared<Values, Row> => {
    const built = new Map<Engine, CompiledQuery<Row>>()
    const filled = (db: Db, values: Values): CompiledQuery<Row> => {
      const engine = isPostgres(db) ? 'postgres' : 'sqlite'
      const query = built.get(engine) ?? build(db, hole).compile()
      built.set(engine, query)
      const parameters = query.parameters.map((parameter) =>
        parameter instanceof Placeholder ? values[parameter.name as keyof Values] : parameter,
      )
      return { ...query, parameters }
    }
    return {
      run: async (db, values) => (await runDirectly(db, filled(db, values))).rows,
      trail: (tx, values) => {
        trail(tx, filled(tx, values))
      },
    }
  }
}
