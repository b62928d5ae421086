import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { outboxPath } from './folder.ts'
import { Outbox } from './outbox.ts'
import type { NewRegistration } from './registration.ts'

vi.setConfig({ testTimeout: 120_000 })

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verify-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const registration = (subject: string): NewRegistration => ({
  ...{ system: 'vlt-clients', subject, card: subject, readerId: null },
  body: JSON.stringify({ subject, text: 'x'.repeat(300) }),
})

test('while rows are verified taps are accepted, deliveries noted and old rows removed', async () => {
  const rows = 20_000
  using outbox = Outbox.open(folder, systemClock)
  for (let row = 0; row < rows; row += 500)
    outbox.appendOnce(Array.from({ length: 500 }, (_, place) => registration(String(row + place))))
  outbox.settleAll(outbox.nextBatch(200, [], []).map(({ id }) => ({ id, state: 'delivered', receipt: '{}' })))
  outbox.upkeep.forgetDelivered(0)

  let isDone = false
  let between = 0
  const verifying = outbox.upkeep.verify().finally(() => (isDone = true))
  while (!isDone) {
    await nextTurn()
    outbox.append(registration(`tap ${String(between++)}`))
    outbox.markDelivered(outbox.nextBatch(1, [], [])[0]?.id ?? '', '{}')
    outbox.upkeep.forgetDelivered(0)
    outbox.upkeep.forgetTombstones(0)
  }
  const { problems, accepted } = await verifying
  expect({ problems, accepted }).toEqual({ problems: [], accepted: rows })
  // A turn for everybody else after every few rows.
  expect(between).toBeGreaterThanOrEqual(rows / 200)
  expect(outbox.upkeep.forgetTombstones(0)).toBeGreaterThan(0)
  expect(await outbox.upkeep.verify()).toMatchObject({ problems: [], accepted: rows + between })
})

test('a row that an index has lost would never be sent: verify tells it, and mending has it salvaged', async () => {
  {
    using outbox = Outbox.open(folder, systemClock)
    for (const subject of ['1', '2', '3']) outbox.blame(outbox.append(registration(subject)).id)
  }
  // What damage to the pages of an index alone does.
  const edit = (change: (database: Sqlite.Database) => void): void => {
    const database = new Sqlite(outboxPath(folder))
    database.unsafeMode()
    database.pragma('writable_schema = ON')
    change(database)
    database.close()
  }
  let entry: unknown
  edit((database) => {
    entry = database.prepare(`SELECT * FROM sqlite_schema WHERE name = 'registrations_turn'`).get()
    database.exec(`DELETE FROM sqlite_schema WHERE name = 'registrations_turn'`)
  })
  edit((database) => {
    database.exec('UPDATE registrations SET failures = 4 WHERE seq = 2')
    database.prepare('INSERT INTO sqlite_schema VALUES ($type, $name, $tbl_name, $rootpage, $sql)').run(entry)
  })

  {
    using outbox = Outbox.open(folder, systemClock)
    expect(outbox.recovery).toBeUndefined()
    expect((await outbox.upkeep.verify()).problems).toEqual([
      'number 2 is missing in the index registrations_turn',
    ])
    const corrupt = expect.objectContaining({ code: 'outbox-corrupt' }) as unknown as Error
    expect(() => outbox.upkeep.mend(0)).toThrow(corrupt)
    expect(outbox.damaged.reason).toMatchObject({ code: 'outbox-corrupt' })
    expect(() => outbox.append(registration('4'))).toThrow(corrupt)
  }
  using outbox = Outbox.open(folder, systemClock)
  expect(outbox.recovery).toMatchObject({ salvaged: 3, lost: 0 })
  expect(
    outbox
      .nextBatch(10, [], [])
      .map(({ seq }) => seq)
      .toSorted(),
  ).toEqual([1, 2, 3])
  expect((await outbox.upkeep.verify()).problems).toEqual([])
})
