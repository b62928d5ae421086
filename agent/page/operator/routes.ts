import { existsSync } from 'node:fs'
import { version as nodeVersion } from 'node:process'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { SupervisedReader } from '../../../devices/supervisor.ts'
import type { Clock } from '../../../shared/clock.ts'
import { errorTable } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import type { Core } from '../../control/operations.ts'
import { receiptCode } from '../../outbox/receipt-code.ts'
import { version } from '../../version.ts'
import { EventStreams } from '../event-streams.ts'
import { cookieOf, refuse } from '../guard.ts'
import { OperatorAudit } from './audit.ts'
import type { Machine } from './machine.ts'
import { OperatorPin, type PinAnswer } from './pin.ts'
import { ReaderWatch } from './reader-watch.ts'
import { OperatorSession } from './session.ts'
import type { OperatorView } from './view.ts'

export interface OperatorParts {
  core: Core
  readers: readonly SupervisedReader[]
  machine: Machine
  /** The agent's data folder. */
  data: string
  /** Writes a diagnostic bundle and answers where it is. */
  writeBundle: () => string
  /** Version of the page. */
  build: string
  /** Something that everybody sees has changed. */
  onChange: () => void
}

const cookieName = 'vlt-operator'
const shownFailures = 50
const refreshMs = 2_000
/** systemd-timesyncd leaves it once the clock was set from the network. */
const clockWasSet = '/run/systemd/timesync/synchronized'

/** The operator's area: every route but the way in needs the session that a PIN opens. */
export function operatorRoutes(
  app: FastifyInstance,
  { core, readers, machine, data, writeBundle, build, onChange }: OperatorParts,
  clock: Clock,
  log: Log,
): Disposable {
  const { outbox, sync } = core
  const audit = new OperatorAudit(data, clock, log)
  const pin = new OperatorPin(data, clock)
  const session = new OperatorSession(clock)
  const streams = new EventStreams(() => view(), refreshMs)
  const watch = new ReaderWatch({
    readers,
    clock,
    audit,
    data,
    onChange: () => {
      streams.push()
    },
  })

  /** The last one of this session. */
  let bundle: string | null = null
  const view = (): OperatorView => {
    const { readers: states, queue, server } = core.status()
    const { pending, delivered, deadLetters, oldestPendingSeconds } = queue
    return {
      readers: states.map(({ id, state, fault, lastTapAt }) => ({ id, state, fault, lastTapAt })),
      lines: watch.lines,
      test: watch.test,
      results: watch.results,
      queue: { pending, delivered, deadLetters, oldestPendingSeconds, failures: failures() },
      server: {
        url: server.url,
        state: server.state,
        lastSuccessAt: server.lastSuccessAt,
        error: server.reason,
        hint: server.reason && errorTable[server.reason].hint,
      },
      clock: {
        now: clock.now(),
        timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        isSynchronised: existsSync(clockWasSet),
      },
      versions: { agent: version, page: build, node: nodeVersion },
      bundle,
      volume: machine.volume,
      brightness: machine.brightness,
    }
  }
  const failures = (): OperatorView['queue']['failures'] =>
    (['dead', 'pending'] as const)
      .flatMap((state) => outbox.list(shownFailures, undefined, state).map((row) => ({ ...row, state })))
      .flatMap(({ id, state, attempts, createdAt, lastError }) =>
        lastError === null
          ? []
          : [
              {
                code: receiptCode(id),
                state,
                attempts,
                createdAt,
                error: lastError,
                hint: errorTable[lastError].hint,
              },
            ],
      )

  const onlyOperator = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply | undefined> => {
    if (!session.isIn(cookieOf(request, cookieName))) return refuse(reply, 401, { code: 'operator-needed' })
    session.renew()
    return undefined
  }
  const leave = (): void => {
    session.leave()
    bundle = null
    watch[Symbol.dispose]()
    streams.end()
  }
  const answer = (reply: FastifyReply, found: PinAnswer): FastifyReply => {
    switch (found.kind) {
      case 'right':
        watch.open()
        return reply
          .header('set-cookie', `${cookieName}=${session.enter()}; HttpOnly; SameSite=Strict; Path=/operator`)
          .send({})
      case 'wrong':
        return refuse(reply, 401, { code: 'wrong-pin', triesLeft: found.triesLeft })
      case 'locked':
        return refuse(reply, 429, { code: 'locked', seconds: Math.ceil(found.leftMs / 1_000) })
      case 'none':
        return refuse(reply, 409, { code: 'no-pin' })
    }
  }

  app.post('/operator/enter', async (request, reply) => {
    const { pin: given } = body(request, z.object({ pin: z.string().max(64) }))
    const found = await pin.check(given)
    if (found.kind !== 'none')
      audit.write({
        event: ({ right: 'pin-right', wrong: 'pin-wrong', locked: 'pin-locked' } as const)[found.kind],
      })
    return answer(reply, found)
  })

  void app.register((inside, _options, done) => {
    inside.addHook('onRequest', onlyOperator)
    inside.get('/operator/events', (request, reply) => {
      streams.add(request, reply)
    })
    inside.post('/operator/leave', () => {
      audit.write({ event: 'left' })
      leave()
      return {}
    })
    inside.post('/operator/keep', () => ({}))
    inside.post('/operator/test', (request) => {
      const { reader } = body(request, z.object({ reader: z.string().nullable() }))
      if (reader === null) watch.stopTest()
      else watch.startTest(reader)
      return view()
    })
    inside.post('/operator/retry', (request) => {
      const { code } = body(request, z.object({ code: z.string() }))
      const { id } = outbox.find(code)
      outbox.letters.retry(id)
      audit.write({ event: 'retried', registration: id })
      sync.tryNow()
      return view()
    })
    inside.post('/operator/send', () => {
      audit.write({ event: 'sent-now' })
      sync.tryNow()
      return view()
    })
    inside.post('/operator/bundle', () => {
      audit.write({ event: 'bundle-written' })
      bundle = writeBundle()
      return view()
    })
    inside.post('/operator/machine', (request) => {
      const share = z.number().min(0).max(1).optional()
      const { volume, brightness } = body(request, z.object({ volume: share, brightness: share }))
      if (volume !== undefined) machine.setVolume(volume)
      if (brightness !== undefined) machine.setBrightness(brightness)
      onChange()
      return view()
    })
    done()
  })

  return {
    [Symbol.dispose]() {
      watch[Symbol.dispose]()
      streams[Symbol.dispose]()
    },
  }
}

/** Throws an error with `statusCode` 400, in whose text nothing of the body is. */
function body<T>({ body: given }: FastifyRequest, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  throw Object.assign(new Error('the body does not fit its route'), { statusCode: 400 })
}
