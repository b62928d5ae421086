import { userInfo } from 'node:os'
import type { OutboxFile } from './file.ts'

/** Who did something: as the operating system names them, and as the command told it. */
export interface Actor {
  uid: number
  user: string
}

/** Something a person did to the outbox. Never anything of the people registered. */
export interface AuditEntry extends Actor {
  number: number
  /** ISO 8601. */
  at: string
  action: 'retry' | 'fix' | 'discard' | 'export' | 'rotate-keys'
  registration: string | null
  /** A cause, a count, the number of a key. */
  detail: string | null
}

/** The user this process runs as. */
export function thisUser(): Actor {
  const { uid, username } = userInfo()
  return { uid, user: username }
}

/** Inside the transaction of what is noted. */
export function note(
  file: OutboxFile,
  actor: Actor,
  entry: Pick<AuditEntry, 'action'> & Partial<Pick<AuditEntry, 'registration' | 'detail'>>,
): void {
  file
    .statement('INSERT INTO audit (at, uid, user, action, registration, detail) VALUES (?, ?, ?, ?, ?, ?)')
    .run(
      file.clock.now(),
      actor.uid,
      actor.user,
      entry.action,
      entry.registration ?? null,
      entry.detail ?? null,
    )
}

/** Newest first. */
export function listAudit(file: OutboxFile, limit: number): AuditEntry[] {
  return file.all<AuditEntry>('SELECT * FROM audit ORDER BY number DESC LIMIT $limit', { limit })
}
