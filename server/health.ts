import type { FastifyInstance } from 'fastify'
import type { Clock } from '../shared/clock.ts'
import type { Log } from '../shared/log.ts'
import type { Database } from './database/database.ts'
import { sendAnswer } from './plugins/answer.ts'

const probeTimeoutMs = 5_000
// Anybody may ask, so asking often must not make the disk busy.
const freshMs = 1_000

/** Answers whether the database takes writes, from a probe at most 1 s old. */
export function createDatabaseCheck(database: Database, clock: Clock, log: Log): () => Promise<boolean> {
  let last: { startedAtMono: number; works: Promise<boolean> } | undefined
  const probe = async (): Promise<boolean> => {
    const done = new AbortController()
    try {
      const timeout = clock.sleep(probeTimeoutMs, done.signal).then(() => false)
      const works = await Promise.race([database.probe().then(() => true), timeout])
      if (!works) log.error('the database does not answer')
      return works
    } catch (error) {
      log.error({ err: error }, 'the database takes no writes')
      return false
    } finally {
      done.abort()
    }
  }
  return () => {
    const now = clock.monoMs()
    if (last === undefined || now - last.startedAtMono >= freshMs)
      last = { startedAtMono: now, works: probe() }
    return last.works
  }
}

/** `/health/live`: the process answers. `/health/ready`: send it requests, or not (any more). */
export function health(
  app: FastifyInstance,
  { databaseWorks, stopping }: { databaseWorks: () => Promise<boolean>; stopping: AbortSignal },
): void {
  app.get('/live', (_request, reply) => sendAnswer(reply, { status: 200, body: { status: 'ok' } }))
  app.get('/ready', async (_request, reply) => {
    if (stopping.aborted) return sendAnswer(reply, { status: 503, body: { status: 'stopping' } })
    return (await databaseWorks())
      ? sendAnswer(reply, { status: 200, body: { status: 'ready' } })
      : sendAnswer(reply, { status: 503, body: { status: 'database-unavailable' } })
  })
}
