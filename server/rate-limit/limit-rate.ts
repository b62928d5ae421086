import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../shared/clock.ts'
import { addressBucket } from '../client-address.ts'
import { type Answer, sendAnswer } from '../plugins/answer.ts'

export interface Hits {
  /** This one included. */
  count: number
  /** Until the window of this key ends, in milliseconds. */
  resetsInMs: number
}

/** Counts per key in fixed windows that the first hit starts; later hits never extend them. */
export interface HitStore {
  hit(key: string, windowMs: number): Promise<Hits>
  /** Forgets windows that have ended and says how many. */
  prune(): number | Promise<number>
}

export interface RateLimit {
  /** Separates the counts of one limit from those of another in the same store. */
  name: string
  max: number
  windowMs: number
  store: HitStore
  clock: Clock
  /** The dialect's 429; the headers come from here. */
  refusal: Answer
}

/**
 * An `onRequest` hook that counts requests per client address, or per what `keyOf` says, as Laravel's throttle
 * middleware does: every answer of the route tells limit and remainder, a refusal also when to come back.
 */
export function limitRate(limit: RateLimit, keyOf: (request: FastifyRequest) => string = clientOf) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { count, resetsInMs } = await limit.store.hit(`${limit.name} ${keyOf(request)}`, limit.windowMs)
    reply.header('x-ratelimit-limit', String(limit.max))
    reply.header('x-ratelimit-remaining', String(Math.max(0, limit.max - count)))
    if (count <= limit.max) return undefined
    const waitSeconds = Math.max(1, Math.ceil(resetsInMs / 1000))
    const nowSeconds = Math.floor(Date.parse(limit.clock.now()) / 1000)
    reply.header('retry-after', String(waitSeconds))
    reply.header('x-ratelimit-reset', String(nowSeconds + waitSeconds))
    return sendAnswer(reply, limit.refusal)
  }
}

/** The network a client is counted by. A trusted proxy that forwards no readable address is counted itself: never none. */
export function clientOf(request: FastifyRequest): string {
  return addressBucket(request.ip) ?? addressBucket(request.socket.remoteAddress ?? '') ?? 'unknown'
}
