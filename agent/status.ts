import type { ReaderStatus } from '../devices/reader-status.ts'
import type { CurrentEnrolment, EnrolmentDesk } from './enrolment/desk.ts'
import type { Outbox } from './outbox/outbox.ts'
import type { ServerStatus } from './sync/sync.ts'
import { version } from './version.ts'

/** What `vlt-agent status --json` prints. */
export interface AgentStatus {
  version: string
  running: boolean
  readers: ReaderStatus[]
  queue: {
    pending: number
    delivered: number
    deadLetters: number
    discarded: number
    oldestPendingSeconds: number | null
  }
  server: ServerStatus
  /** The oldest enrolment that waits for its tap. */
  enrolment: CurrentEnrolment | null
  waitingEnrolments: number
  /** Address of the kiosk page; null while it is not served. */
  pageUrl: string | null
  /** Milliseconds since the page in the lobby's browser last said that it lives; null before. */
  pageHeartbeatAgeMs: number | null
}

export function agentStatus(parts: {
  running: boolean
  readers: ReaderStatus[]
  outbox: Outbox
  server: ServerStatus
  desk: EnrolmentDesk | undefined
  pageUrl: string | null
  pageHeartbeatAgeMs: number | null
}): AgentStatus {
  const { pending, delivered, dead, discarded, oldestPendingSeconds } = parts.outbox.counts()
  return {
    version,
    running: parts.running,
    readers: parts.readers,
    queue: { pending, delivered, deadLetters: dead, discarded, oldestPendingSeconds },
    server: parts.server,
    enrolment: parts.desk?.current ?? null,
    waitingEnrolments: parts.desk?.waiting ?? 0,
    pageUrl: parts.pageUrl,
    pageHeartbeatAgeMs: parts.pageHeartbeatAgeMs,
  }
}
