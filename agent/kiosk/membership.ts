import type { Clock } from '../../shared/clock.ts'
import type { Log } from '../../shared/log.ts'
import { AppError } from '../../shared/errors.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { Batches } from '../sync/batches.ts'
import { ServerClient } from '../sync/client.ts'
import type { Sync } from '../sync/sync.ts'
import { version } from '../version.ts'
import { KioskChannel, type KioskStatus } from './channel.ts'
import { isSameServer } from './same-server.ts'

const timeouts = { connectMs: 5_000, answerMs: 10_000, totalMs: 30_000 }

/** Which server this machine delivers to, and who it is there; both may change while the agent runs. */
export class Membership implements AsyncDisposable {
  readonly batches: Batches
  readonly #channel: KioskChannel
  readonly #configuredUrl: string | undefined
  readonly #outbox: Outbox
  readonly #stack = new AsyncDisposableStack()
  #client: ServerClient | undefined
  #sync: Pick<Sync, 'use'> | undefined

  constructor(parts: {
    folder: string
    serverUrl: string | undefined
    outbox: Outbox
    clock: Clock
    log: Log
    onChange: () => void
  }) {
    const { folder, outbox, clock, log, onChange } = parts
    this.#outbox = outbox
    this.#channel = new KioskChannel({ folder, log, epoch: () => outbox.watermark(), onChange })
    this.batches = new Batches(this.#channel, clock)
    this.#configuredUrl = parts.serverUrl
    const url = this.serverUrl
    if (url !== undefined) this.#client = this.#connect(url)
  }

  /** What the configuration names, else the server that was joined. */
  get serverUrl(): string | undefined {
    return this.#configuredUrl ?? this.#channel.status?.serverUrl
  }

  get client(): ServerClient | undefined {
    return this.#client
  }

  get status(): KioskStatus | null {
    return this.#channel.status
  }

  /** Who is to hear of another server. */
  tell(sync: Pick<Sync, 'use'>): void {
    this.#sync = sync
  }

  /** Throws what KioskChannel.join throws, and `kiosk-joined-elsewhere` where the configuration names another server. */
  async join(serverUrl: string, code: string, name: string, signal: AbortSignal): Promise<KioskStatus> {
    if (this.#configuredUrl !== undefined && !isSameServer(this.#configuredUrl, serverUrl)) {
      throw new AppError('kiosk-joined-elsewhere', `the agent here delivers to ${this.#configuredUrl}`)
    }
    const client = this.#configuredUrl === undefined ? this.#connect(serverUrl) : this.#client
    if (client === undefined) throw new Error('a configured server has a client')
    const joined = await this.#channel.join(client, { serverUrl, code, name }, signal)
    this.#client = client
    this.#sync?.use(client, this.#configuredUrl ?? serverUrl)
    return joined
  }

  /** Throws what KioskChannel.rotate throws. */
  rotate(signal: AbortSignal): Promise<KioskStatus> {
    if (this.#client === undefined)
      throw new AppError('kiosk-not-joined', 'this machine has not joined a server')
    return this.#channel.rotate(this.#client, signal)
  }

  /** Throws what KioskChannel.leave throws. */
  leave(): Promise<KioskStatus> {
    return this.#channel.leave()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }

  #connect(url: string): ServerClient {
    const onDate = (date: string): void => {
      this.#outbox.heard(date)
    }
    return this.#stack.use(new ServerClient(url, version, timeouts, onDate))
  }
}
