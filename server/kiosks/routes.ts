import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Clock } from '../../shared/clock.ts'
import {
  joinPath,
  joinRequest,
  keyPath,
  keyRequest,
  kioskPrefix,
  maxBatchBytes,
  newKeyLabel,
  type RegistrationItem,
  registrationsPath,
  registrationsRequest,
  reportPath,
  reportRequest,
} from '../../shared/contracts/kiosk-sync.ts'
import { fingerprint, thumbprint } from '../../shared/http-signatures/ed25519.ts'
import type { Log } from '../../shared/log.ts'
import type { Core } from '../core.ts'
import { lock } from '../database/locks.ts'
import type { Tx } from '../database/schema.ts'
import type { Idempotency } from '../idempotency/idempotency.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { type Answer, sendAnswer } from '../plugins/answer.ts'
import { logIncident } from '../plugins/fallback.ts'
import { jsonObject } from '../plugins/request-body.ts'
import { answerFaults } from '../plugins/system.ts'
import { type HitStore, limitRate } from '../rate-limit/limit-rate.ts'
import { kiosksDialect, refusal } from './dialect.ts'
import type { DrainBudget } from './drain-budget.ts'
import { join } from './join.ts'
import { takeReport } from './report.ts'
import { rotateKey } from './rotate.ts'
import { claimedKey, countedOf, hasSignedBody, isSignedBy } from './signed-request.ts'
import { inTurn } from './in-turn.ts'
import { findKioskByKey, type Kiosk } from './store.ts'
import { type Read, takeBatch, type Taken } from './take.ts'

export interface Kiosks {
  core: Core
  idempotency: Idempotency
  /** How each system that takes batches reads an item. */
  systems: Record<string, (item: RegistrationItem) => Read>
  /** Requests per minute and kiosk. */
  ratePerMinute: number
  /** For all kiosks together. */
  budget: DrainBudget
  hits: HitStore
  /** The address that kiosks were joined by. */
  publicUrl: () => string
  metrics: Pick<Metrics, 'countRegistrations'>
  clock: Clock
  log: Log
}

// Of a code there are 2^60; nobody types ten wrong ones a minute.
const joinsPerMinute = 10
const strangersPerMinute = 60

const kiosksOfRequests = new WeakMap<FastifyRequest, Kiosk>()

/** POST below /v1/kiosk, on an app that has that prefix: join, registrations, report, key. */
export function kiosks(app: FastifyInstance, system: Kiosks): void {
  const { core, hits: store, clock, log, publicUrl } = system
  const limit = { windowMs: 60_000, store, clock, refusal: kiosksDialect.tooManyAttempts }
  answerFaults(app, kiosksDialect, log)

  app.post(joinPath.slice(kioskPrefix.length), {
    onRequest: limitRate({ ...limit, name: 'kiosk-join', max: joinsPerMinute }),
    handler: async (request, reply) => {
      const { data } = joinRequest.safeParse(jsonObject(request))
      if (data === undefined) return sendAnswer(reply, refusal('invalid'))
      const { publicKey } = data
      const signed = claimedKey(request) === thumbprint(publicKey) && hasSignedBody(request)
      if (!signed || !isSignedBy(request, publicKey.x, publicUrl()))
        return sendAnswer(reply, refusal('signature-invalid'))
      const joined = await join(core, data, clock)
      return sendAnswer(reply, joined === undefined ? refusal('code-refused') : { status: 201, body: joined })
    },
  })

  const admission = admit(system)
  const post = <Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    answer: (data: z.output<Schema>, at: SignedRequest) => Promise<Answer>,
  ): void => {
    app.post(path.slice(kioskPrefix.length), {
      config: { maxBodyBytes: maxBatchBytes },
      // Before the body is read: of strangers nothing is parsed.
      onRequest: admission,
      handler: async (request, reply) => {
        const kiosk = kiosksOfRequests.get(request)
        const counted = countedOf(request)
        if (kiosk === undefined || counted === undefined || !hasSignedBody(request)) {
          return sendAnswer(reply, refusal('signature-invalid'))
        }
        const { data } = schema.safeParse(jsonObject(request))
        if (data === undefined) return sendAnswer(reply, refusal('invalid'))
        const run = (work: Work, names: string[] = []): Promise<Answer> =>
          core.database.transact(async (tx) => {
            await lock(tx, [`kiosk ${String(kiosk.id)}`, ...names])
            return inTurn(tx, core, { id: kiosk.id, keyId: kiosk.key_id }, counted, clock, () => work(tx))
          })
        return sendAnswer(reply, await answer(data, { request, reply, kiosk, run }))
      },
    })
  }

  post(registrationsPath, registrationsRequest, ({ epoch, items }, at) =>
    answerBatch(system, epoch, items, at),
  )
  post(reportPath, reportRequest, (report, { kiosk, run }) =>
    run(async (tx) => ({ status: 200, body: await takeReport(tx, kiosk.id, report, clock.now()) })),
  )
  post(keyPath, keyRequest, async ({ publicKey }, { request, kiosk, run }) => {
    const keyId = thumbprint(publicKey)
    const proven = claimedKey(request, newKeyLabel) === keyId
    if (!proven || !isSignedBy(request, publicKey.x, publicUrl(), newKeyLabel))
      return refusal('signature-invalid')
    return run(async (tx) => {
      const rotated = await rotateKey(tx, core, kiosk.id, publicKey)
      if (!rotated) return refusal('invalid', 'The key is in use.')
      return { status: 200, body: { keyId, fingerprint: fingerprint(publicKey) } }
    })
  })
}

type Work = (tx: Tx) => Promise<Answer>

interface SignedRequest {
  request: FastifyRequest
  reply: FastifyReply
  kiosk: Kiosk
  /** Runs the work in a transaction of the kiosk, in its turn, with these names locked. */
  run: (work: Work, names?: string[]) => Promise<Answer>
}

/** Lets signed requests of kiosks in, each kiosk within its own limit. */
function admit({ core, ratePerMinute, hits: store, clock, publicUrl, log }: Kiosks) {
  const limit = { windowMs: 60_000, store, clock, refusal: kiosksDialect.tooManyAttempts }
  const limitStrangers = limitRate({ ...limit, name: 'kiosk-refused', max: strangersPerMinute })
  const byKiosk = { ...limit, name: 'kiosk', max: ratePerMinute }

  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const keyId = claimedKey(request)
    const kiosk =
      keyId === undefined ? undefined : await core.database.query((db) => findKioskByKey(db, keyId))
    if (kiosk !== undefined && isSignedBy(request, kiosk.public_key, publicUrl())) {
      kiosksOfRequests.set(request, kiosk)
      return limitRate(byKiosk, () => String(kiosk.id))(request, reply)
    }
    const code = keyId !== undefined && kiosk === undefined ? 'key-unknown' : 'signature-invalid'
    const subject = kiosk === undefined ? 'kiosk unknown' : `kiosk ${String(kiosk.id)}`
    core.audit.tally({ action: 'kiosk-refused', actor: 'anonymous', subject })
    log.warn({ code, requestId: request.id, kioskId: kiosk?.id }, 'a request for kiosks is not signed by one')
    await limitStrangers(request, reply)
    return reply.sent ? reply : sendAnswer(reply, refusal(code))
  }
}

async function answerBatch(
  { core, idempotency, systems, budget, metrics, log }: Kiosks,
  epoch: string,
  items: RegistrationItem[],
  { request, reply, kiosk, run }: SignedRequest,
): Promise<Answer> {
  const admitted = budget.admit(items.length)
  if ('awayMs' in admitted) {
    reply.header('retry-after', String(Math.ceil(admitted.awayMs / 1000)))
    return kiosksDialect.tooManyAttempts
  }
  if (admitted.delayMs > 0) await delay(admitted.delayMs)
  const read = items.map(({ idempotencyKey, body, ...item }) => ({
    idempotencyKey,
    body,
    read: systems[item.system]?.({ idempotencyKey, body, ...item }) ?? { refused: unknownSystem },
  }))
  const names = read.flatMap((item) => ('refused' in item.read ? [] : item.read.locks))
  // Told once it is stored: the work may be done more than once until it is.
  let counts: Taken['counts'] | undefined
  const answer = await run(async (tx) => {
    const taken = await takeBatch(tx, read, {
      kioskId: kiosk.id,
      epoch,
      idempotency,
      audit: core.audit,
      onBug: (error) => {
        logIncident(log, request.id, error)
      },
    })
    counts = taken.counts
    return { status: 200, body: { results: taken.results } }
  }, names)
  if (counts !== undefined) metrics.countRegistrations(counts)
  return answer
}

const unknownSystem: Answer = {
  status: 404,
  body: { message: 'This server takes no batches of that system.' },
}
