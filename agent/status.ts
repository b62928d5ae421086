import type { ReaderStatus } from '../devices/reader-status.ts'
import type { CurrentEnrolment, EnrolmentDesk } from './enrolment/desk.ts'
import type { KioskStatus } from './kiosk/channel.ts'
import type { Outbox } from './outbox/outbox.ts'
import type { Recovery } from './outbox/recover.ts'
import type { Watermark } from './outbox/registration.ts'
import type { Fill } from './outbox/room.ts'
import type { ServerStatus } from './sync/server-status.ts'
import { version } from './version.ts'

/** What `vlt-agent status --json` prints. */
export interface AgentStatus {
  version: string
  running: boolean
  readers: ReaderStatus[]
  queue: {
    pending: number
    delivered: number
    /** Of those delivered, the ones the server did not say it has from us. */
    unconfirmed: number
    deadLetters: number
    discarded: number
    /** Destroyed by damage to the disk. */
    lost: number
    oldestPendingSeconds: number | null
    fill: Fill
    watermark: Watermark
    /** The last time the outbox had to be salvaged. */
    lastRecovery: Recovery | null
  }
  server: ServerStatus
  /** Who this machine is to the server it joined; null where it has not. */
  kiosk: KioskStatus | null
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
  kiosk: KioskStatus | null
  desk: EnrolmentDesk | undefined
  pageUrl: string | null
  pageHeartbeatAgeMs: number | null
}): AgentStatus {
  const { dead: deadLetters, ...counts } = parts.outbox.counts()
  return {
    version,
    running: parts.running,
    readers: parts.readers,
    queue: {
      ...counts,
      deadLetters,
      fill: parts.outbox.fill(),
      watermark: parts.outbox.watermark(),
      lastRecovery: parts.outbox.recoveries()[0] ?? null,
    },
    server: parts.server,
    kiosk: parts.kiosk,
    enrolment: parts.desk?.current ?? null,
    waitingEnrolments: parts.desk?.waiting ?? 0,
    pageUrl: parts.pageUrl,
    pageHeartbeatAgeMs: parts.pageHeartbeatAgeMs,
  }
}
