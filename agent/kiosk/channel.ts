import { joinAnswer, joinPath, keyAnswer, keyPath, refusalAnswer } from '../../shared/contracts/kiosk-sync.ts'
import { AppError, type ErrorCode } from '../../shared/errors.ts'
import { fingerprint, newKey, type PrivateJwk, publicPart } from '../../shared/http-signatures/ed25519.ts'
import type { Log } from '../../shared/log.ts'
import { classifyFailure, type Response } from '../sync/classify.ts'
import type { ServerClient } from '../sync/client.ts'
import { version } from '../version.ts'
import { type Identity, readIdentity, removeIdentity, writeIdentity } from './identity.ts'
import { signedHeaders } from './signed.ts'

/** Who this machine is, without what could be used as that. */
export interface KioskStatus {
  id: number
  name: string
  serverUrl: string
  /** Of the key: what two people compare. */
  fingerprint: string
  /** `unknown` until the server has answered a request. */
  state: 'unknown' | 'pending' | 'active' | 'locked' | 'revoked'
}

/** Requests in one block of numbers. */
const blockSize = 2 ** 20
/** A join whose answer was lost is asked again with the same key; a new one would need a new code. */
const joinTries = 3

/**
 * The way to the server as the kiosk that this machine is: one signed request at a time, each under a number that no
 * request had before, whatever became of it.
 */
export class KioskChannel {
  readonly #folder: string
  readonly #epoch: () => { epoch: string; delivered: number }
  readonly #onChange: () => void
  #identity: Identity | undefined
  #state: KioskStatus['state'] = 'unknown'
  /** Of the block that this process has begun; none before its first request. */
  #block: number | undefined
  #inBlock = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: {
    folder: string
    log: Log
    /** The outbox at hand, and how many of its registrations are delivered. */
    epoch: () => { epoch: string; delivered: number }
    /** Another identity, or none. */
    onChange: () => void
  }) {
    this.#folder = parts.folder
    this.#epoch = parts.epoch
    this.#onChange = parts.onChange
    try {
      this.#identity = readIdentity(parts.folder)
    } catch (error) {
      // Registrations go by the documented endpoint all the same.
      if (!(error instanceof AppError)) throw error
      parts.log.error({ code: error.code, hint: error.hint }, error.message)
    }
    this.#learnEpoch()
  }

  get status(): KioskStatus | null {
    if (this.#identity === undefined) return null
    const { kioskId: id, name, serverUrl, key } = this.#identity
    return { id, name, serverUrl, fingerprint: fingerprint(key), state: this.#state }
  }

  /** See `reportRequest`; 0 for a machine that has not joined. */
  get documented(): number {
    return this.#identity?.documented ?? 0
  }

  /** To be called before a registration that went otherwise than in our batches is marked as delivered. */
  countDocumented(): void {
    if (this.#identity !== undefined) this.#write({ documented: this.#identity.documented + 1 })
  }

  /** Throws `disk-full` or `kiosk-identity-unusable`; what the server or the way refuses is an answer. */
  post(client: ServerClient, path: string, body: string, signal: AbortSignal): Promise<Response> {
    return this.#inTurn(() => this.#post(client, path, body, signal))
  }

  /**
   * Makes a key and has the server take it in place of whatever this machine was before.
   * Throws `join-code-refused`, `kiosk-unsupported`, `kiosk-signature-refused`, `rate-limited` or the way's failure.
   */
  join(
    client: ServerClient,
    { serverUrl, code, name }: { serverUrl: string; code: string; name: string },
    signal: AbortSignal,
  ): Promise<KioskStatus> {
    return this.#inTurn(async () => {
      const key = newKey()
      const url = client.address(joinPath)
      const body = JSON.stringify({ code, publicKey: publicPart(key), name, version })
      const headers = signedHeaders({ url, body, sequence: 0 }, key)
      let response: Response
      let tries = 0
      do {
        response = await client.request(joinPath, body, headers, signal)
        tries += 1
      } while (response.kind === 'failure' && response.sent && tries < joinTries && !signal.aborted)
      const joined = response.kind === 'answer' ? joinAnswer.safeParse(asJson(response.body)).data : undefined
      if (joined === undefined) throw joinError(response)
      const identity: Identity = {
        ...{ kioskId: joined.kioskId, name: joined.name, serverUrl, key, nextKey: null },
        ...{ block: 0, epoch: null, documented: 0 },
      }
      writeIdentity(this.#folder, identity)
      this.#identity = identity
      this.#block = undefined
      this.#learnEpoch()
      this.#become(joined.state)
      this.#onChange()
      return this.status ?? raise(notJoined())
    })
  }

  /** Puts a new key in place of the old one. Throws `kiosk-not-joined`, a refusal of the server or the way's failure. */
  rotate(client: ServerClient, signal: AbortSignal): Promise<KioskStatus> {
    return this.#inTurn(async () => {
      if (this.#identity === undefined) throw notJoined()
      const nextKey = this.#identity.nextKey ?? newKey()
      this.#write({ nextKey })
      const body = JSON.stringify({ publicKey: publicPart(nextKey) })
      const response = await this.#post(client, keyPath, body, signal, nextKey)
      const taken =
        response.kind === 'answer' &&
        keyAnswer.safeParse(asJson(response.body)).success &&
        response.status === 200
      // Where the answer to an earlier attempt was lost, the next key has taken over on the way here.
      if (taken && this.#identity.nextKey !== null) this.#promote(nextKey)
      if (this.#identity.key.x !== nextKey.x) throw refusalError(response)
      return this.status ?? raise(notJoined())
    })
  }

  /** Forgets who this machine is; whatever waits goes by the documented endpoint. Throws `kiosk-not-joined`. */
  leave(): Promise<KioskStatus> {
    return this.#inTurn(() => {
      const left = this.status
      if (left === null) throw notJoined()
      removeIdentity(this.#folder)
      this.#identity = undefined
      this.#become('unknown')
      this.#onChange()
      return Promise.resolve(left)
    })
  }

  async #post(
    client: ServerClient,
    path: string,
    body: string,
    signal: AbortSignal,
    nextKey?: PrivateJwk,
  ): Promise<Response> {
    if (this.#identity === undefined) throw notJoined()
    const sequence = this.#nextSequence()
    const url = client.address(path)
    const { key } = this.#identity
    const send = (challenge?: string): Promise<Response> =>
      client.request(path, body, signedHeaders({ url, body, sequence, challenge }, key, nextKey), signal)
    let response = await send()
    let refusal = refusalOf(response)
    // Somebody counts further than we do, under our key: the server asks whether we are really there.
    if (refusal?.code === 'sequence-behind' && refusal.challenge !== undefined) {
      response = await send(refusal.challenge)
      refusal = refusalOf(response)
    }
    if (refusal?.code === 'key-unknown' && this.#identity.nextKey !== null) {
      this.#promote(this.#identity.nextKey)
      return nextKey === undefined ? this.#post(client, path, body, signal) : response
    }
    this.#learnState(response, refusal?.code)
    return response
  }

  /** Never one that was used before, also by a process that was killed: its block is on the disk before it is used. */
  #nextSequence(): number {
    if (this.#block === undefined || this.#inBlock === blockSize) {
      this.#block = (this.#identity?.block ?? 0) + 1
      this.#inBlock = 0
      this.#write({ block: this.#block })
    }
    return this.#block * blockSize + this.#inBlock++
  }

  /** What another outbox has delivered, or this one before we joined, is not for the server to account for. */
  #learnEpoch(): void {
    if (this.#identity === undefined) return
    const { epoch, delivered } = this.#epoch()
    if (this.#identity.epoch !== epoch) this.#write({ epoch, documented: delivered })
  }

  #learnState(response: Response, code: string | undefined): void {
    if (response.kind === 'failure') return
    const refused = /^kiosk-(pending|locked|revoked)$/.exec(code ?? '')?.[1] as
      KioskStatus['state'] | undefined
    if (refused !== undefined) this.#become(refused)
    else if (response.status === 200) this.#become('active')
  }

  #become(state: KioskStatus['state']): void {
    this.#state = state
  }

  #promote(key: PrivateJwk): void {
    this.#write({ key, nextKey: null })
  }

  #write(changes: Partial<Identity>): void {
    if (this.#identity === undefined) throw notJoined()
    const identity = { ...this.#identity, ...changes }
    writeIdentity(this.#folder, identity)
    this.#identity = identity
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

/** What a refusal in the words of /v1/kiosk says; undefined for anything else. */
export function refusalOf(
  response: Response,
): { code?: string | undefined; challenge?: string | undefined } | undefined {
  if (response.kind === 'failure' || response.status < 400) return undefined
  return refusalAnswer.safeParse(asJson(response.body)).data
}

const refusals: Record<string, ErrorCode> = {
  'code-refused': 'join-code-refused',
  'signature-invalid': 'kiosk-signature-refused',
  'key-unknown': 'kiosk-key-unknown',
  'kiosk-pending': 'kiosk-pending',
  'kiosk-locked': 'kiosk-locked',
  'kiosk-revoked': 'kiosk-revoked',
}

/** The code of what a kiosk is refused for; undefined where the answer is none of /v1/kiosk. */
export function refusalCode(response: Response): ErrorCode | undefined {
  return refusals[refusalOf(response)?.code ?? '']
}

function refusalError(response: Response): AppError {
  if (response.kind === 'failure') {
    return new AppError(classifyFailure(response.code, response.sent).error, `no answer (${response.code})`)
  }
  const { status } = response
  const code: ErrorCode =
    refusalCode(response) ??
    (status === 429 ? 'rate-limited' : status === 503 ? 'server-unavailable' : 'server-unexpected-answer')
  return new AppError(code, `the server answered ${String(status)}`)
}

function joinError(response: Response): AppError {
  const isMissing = response.kind === 'answer' && [404, 405].includes(response.status)
  return isMissing ? new AppError('kiosk-unsupported', 'the server knows no kiosks') : refusalError(response)
}

function notJoined(): AppError {
  return new AppError('kiosk-not-joined', 'this machine has not joined a server')
}

function raise(error: AppError): never {
  throw error
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
