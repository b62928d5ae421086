import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { outboxPath } from './folder.ts'
import { Outbox } from './outbox.ts'
import { recoverOutbox } from './recover.ts'
import type { NewRegistration } from './registration.ts'
import { fillVersion1 } from './version-1.testing.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imported-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const line = (row: number): NewRegistration => ({
  ...{ system: 'vlt-clients', subject: String(row), card: `A0C2${String(row)}`, readerId: null },
  body: JSON.stringify({ codigoClienteVLT: row, text: 'x'.repeat(100) }),
})
const list = (rows: number): NewRegistration[] => Array.from({ length: rows }, (_, row) => line(row))
const path = (): string => outboxPath(folder)

/** What a damaged page of a table does to the file: every page on which one of its rows is known to lie. */
function garble(table: string, share: number): number {
  const database = new Sqlite(path())
  const pages = database
    .prepare(`SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path`)
    .pluck()
    .all(table) as number[]
  database.close()
  const hit = pages
    .slice(Math.floor((pages.length * (1 - share)) / 2))
    .slice(0, Math.ceil(pages.length * share))
  const bytes = readFileSync(path())
  for (const page of hit) bytes.fill(0xa5, (page - 1) * 4096, page * 4096)
  writeFileSync(path(), bytes)
  return hit.length
}

/** Imports the list, in another opening of the outbox; answers how many lines were new. */
function importAgain(rows: number): number {
  using outbox = Outbox.open(folder, systemClock)
  return outbox.appendOnce(list(rows))
}

describe('a list that is imported again after its outbox was salvaged', () => {
  const rows = 3_000

  test('is known line by line, whatever became of its registrations', () => {
    {
      using outbox = Outbox.open(folder, systemClock)
      expect(outbox.appendOnce(list(rows))).toBe(rows)
      const batch = outbox.nextBatch(200, [], [])
      outbox.settleAll(batch.map(({ id }) => ({ id, state: 'delivered', receipt: '{}' })))
      outbox.upkeep.forgetDelivered(0)
    }
    expect(recoverOutbox(folder, systemClock)).toMatchObject({ salvaged: rows, lost: 0 })
    expect(importAgain(rows + 1)).toBe(1)
  })

  test('is known as far as a damaged memory of lists can be read, and from registrations that still have their content', () => {
    {
      using outbox = Outbox.open(folder, systemClock)
      expect(outbox.appendOnce(list(rows))).toBe(rows)
      const batch = outbox.nextBatch(200, [], [])
      outbox.settleAll(batch.map(({ id }) => ({ id, state: 'delivered', receipt: '{}' })))
      outbox.upkeep.forgetDelivered(0)
    }
    expect(garble('imported', 0.1)).toBeGreaterThan(0)
    // Only lines whose registration is nothing but a receipt any more may be new: some of the 200.
    const again = importAgain(rows)
    expect(again).toBeGreaterThan(0)
    expect(again).toBeLessThan(60)
  })
})

test.each(['migrated', 'salvaged'])(
  'a list that version 1 imported is known once its outbox was %s',
  (how) => {
    const old = fillVersion1(folder, line(1), [])
    const database = new Sqlite(path())
    // As version 1 did at its first import.
    database.exec('CREATE TABLE imported (key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID')
    const key = createHmac('sha256', old.epoch).update(line(1).body).digest().subarray(0, 16)
    database.prepare('INSERT INTO imported (key) VALUES (?)').run(key)
    database.close()
    if (how === 'salvaged') expect(recoverOutbox(folder, systemClock)).toMatchObject({ salvaged: 6, lost: 0 })
    {
      using outbox = Outbox.open(folder, systemClock)
      expect(outbox.appendOnce([line(1), line(2)])).toBe(1)
      expect(outbox.list(1)[0]?.body).toBe(line(2).body)
    }
    // The old hash could be guessed by anybody who knows the epoch.
    expect(readFileSync(path()).includes(key)).toBe(false)
  },
)
