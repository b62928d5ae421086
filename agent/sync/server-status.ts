import type { ErrorCode } from '../../shared/errors.ts'
import type { System } from '../outbox/registration.ts'

export interface ServerStatus {
  url: string | null
  state: 'online' | 'offline' | 'paused'
  /** ISO 8601; the last time the server confirmed a registration. */
  lastSuccessAt: string | null
  /** Why it is not online. */
  reason: ErrorCode | null
  /** Batches need a machine that has joined the server; `deliveryReason` says why a joined one does without. */
  delivery: 'batches' | 'documented'
  deliveryReason: ErrorCode | null
  /** Systems behind that server that take nothing now, while the others go on. */
  held: { system: System; reason: ErrorCode }[]
}
