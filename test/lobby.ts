/** What the tests that span both programs share: a lobby of temporary folders, and looks into what was stored. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { vi } from 'vitest'
import { call } from '../agent/control/client.ts'
import type { QueueEntry } from '../agent/control/queue-operations.ts'
import { socketPath } from '../agent/control/protocol.ts'
import type { AgentStatus } from '../agent/status.ts'

/** A folder that goes when the test ends. */
export function temporaryFolder(name: string): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), `vlt-${name}-`))
  return {
    path,
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true })
    },
  }
}

/** A disk of its own, small enough to fill; needs root. */
export function smallDisk(path: string, size: string): Disposable {
  mkdirSync(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', path])
  return {
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', path])
    },
  }
}

export const agentStatus = async (data: string): Promise<AgentStatus> =>
  (await call(socketPath(data), 'status')) as AgentStatus

export const agentQueue = async (data: string): Promise<QueueEntry[]> =>
  (await call(socketPath(data), 'queue.list', { limit: 100_000 })) as QueueEntry[]

/** Waits until `condition` holds; fails with what it last said. */
export async function eventually(
  condition: () => Promise<boolean> | boolean,
  timeout = 30_000,
): Promise<void> {
  await vi.waitFor(
    async () => {
      if (!(await condition())) throw new Error('the condition did not come to hold')
    },
    { timeout, interval: 50 },
  )
}

export interface StoredCard {
  uid: string
  client_id: number
  codigo_cliente_vlt: string
  active: 0 | 1
  /** Rows in the consent ledger for this card: three for each time it was registered. */
  consents: number
}

/** Every card a stopped server holds, oldest first. */
export function cardsOnServer(serverData: string): StoredCard[] {
  const database = new Sqlite(join(serverData, 'server.db'), { readonly: true })
  try {
    return database
      .prepare(
        `SELECT cards.uid, cards.client_id, clients.codigo_cliente_vlt,
                clients.active_card_uid = cards.uid AS active,
                (SELECT count(*) FROM consents WHERE consents.card_uid = cards.uid) AS consents
         FROM cards JOIN clients ON clients.id = cards.client_id ORDER BY cards.rowid`,
      )
      .all() as StoredCard[]
  } finally {
    database.close()
  }
}
