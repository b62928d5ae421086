import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { outboxPath } from './database.ts'
import { Outbox } from './outbox.ts'
import { recoverOutbox } from './recover.ts'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outbox-damage-'))
  path = outboxPath(folder)
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

function fill(rows: number): string[] {
  using outbox = Outbox.open(folder, systemClock)
  return Array.from(
    { length: rows },
    (_, index) =>
      outbox.append({
        system: 'vlt-clients',
        subject: String(index),
        card: String(index),
        body: 'x'.repeat(300),
        readerId: null,
      }).idempotencyKey,
  )
}

const withCode = (code: string) => expect.objectContaining({ code }) as unknown as Error

describe('a damaged outbox is refused, and left as it is', () => {
  test('a file that is no database', () => {
    writeFileSync(path, 'this is not a database, but it is long enough to look like one'.repeat(40))
    const before = readFileSync(path)
    expect(() => Outbox.open(folder, systemClock)).toThrow(withCode('outbox-corrupt'))
    expect(readFileSync(path)).toEqual(before)
  })

  test('a file with garbled pages', () => {
    fill(200)
    const bytes = readFileSync(path)
    bytes.fill(0xa5, 3 * 4096, 5 * 4096)
    writeFileSync(path, bytes)
    expect(() => Outbox.open(folder, systemClock)).toThrow(withCode('outbox-corrupt'))
    expect(readFileSync(path)).toEqual(bytes)
  })

  test('a file that was cut short', () => {
    fill(200)
    truncateSync(path, 5 * 4096)
    expect(() => Outbox.open(folder, systemClock)).toThrow(withCode('outbox-corrupt'))
  })

  test('a write-ahead log without its database', () => {
    writeFileSync(`${path}-wal`, 'accepted registrations may be in here')
    expect(() => Outbox.open(folder, systemClock)).toThrow(withCode('outbox-corrupt'))
    expect(existsSync(path)).toBe(false)
  })

  test.each(['removed', 'emptied'])('an outbox that was there and was %s', (how) => {
    fill(3)
    if (how === 'removed') rmSync(path)
    else truncateSync(path, 0)
    expect(() => Outbox.open(folder, systemClock)).toThrow(withCode('outbox-corrupt'))
    expect(recoverOutbox(folder, systemClock)).toMatchObject({ recovered: 0 })
    Outbox.open(folder, systemClock)[Symbol.dispose]()
  })

  test('an outbox of a newer program', () => {
    fill(1)
    const bytes = readFileSync(path)
    bytes.writeUInt32BE(99, 60) // user_version, in the file header
    writeFileSync(path, bytes)
    expect(() => Outbox.open(folder, systemClock)).toThrow(withCode('outbox-too-new'))
  })
})

describe('a held outbox', () => {
  test('a second opener is told who holds it', async () => {
    const holder = `
      import { Outbox } from ${JSON.stringify(new URL('./outbox.ts', import.meta.url).href)}
      import { systemClock } from ${JSON.stringify(new URL('../../shared/clock.ts', import.meta.url).href)}
      Outbox.open(${JSON.stringify(folder)}, systemClock)
      console.log('open')
      setInterval(() => {}, 1000)`
    const child = execFile(process.execPath, ['--input-type=module', '-e', holder])
    try {
      await new Promise((resolve) => child.stdout?.once('data', resolve))
      const message = expect.stringContaining(`by process ${String(child.pid)}`) as unknown
      const refusal = expect.objectContaining({ code: 'outbox-locked', message }) as unknown as Error
      expect(() => Outbox.open(folder, systemClock)).toThrow(refusal)
      expect(() => recoverOutbox(folder, systemClock)).toThrow(refusal)
      const closed = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGKILL')
      await closed
      expect(() => {
        Outbox.open(folder, systemClock)[Symbol.dispose]()
      }).not.toThrow()
    } finally {
      child.kill('SIGKILL')
    }
  })
})

describe('recover', () => {
  test('copies out every row that can be read, with its key, and keeps the damaged files unchanged', () => {
    const keys = fill(300)
    const bytes = readFileSync(path)
    bytes.fill(0xa5, 12 * 4096, 13 * 4096)
    writeFileSync(path, bytes)
    cpSync(path, join(folder, 'copy'))

    const { recovered, lost, setAside } = recoverOutbox(folder, systemClock)
    expect(recovered + lost).toBe(300)
    expect(recovered).toBeGreaterThan(200)
    expect(lost).toBeGreaterThan(0)
    expect(readFileSync(join(setAside, 'outbox.db'))).toEqual(readFileSync(join(folder, 'copy')))

    using outbox = Outbox.open(folder, systemClock)
    const rows = outbox.page(0, 1_000)
    expect(rows).toHaveLength(recovered)
    for (const row of rows) expect(keys[row.seq - 1]).toBe(row.idempotencyKey)
    const next = outbox.append({
      system: 'vlt-clients',
      subject: 'new',
      card: 'new',
      body: '{}',
      readerId: null,
    })
    expect(next.seq).toBe(301)
  })

  test('a swap that was cut short is finished by the next call', () => {
    const keys = fill(50)
    renameSync(path, `${path}.recovered`)
    expect(() => Outbox.open(folder, systemClock)).toThrow(withCode('outbox-corrupt'))
    expect(recoverOutbox(folder, systemClock)).toMatchObject({ recovered: 50, lost: 0 })
    using outbox = Outbox.open(folder, systemClock)
    expect(outbox.page(0, 1_000).map(({ idempotencyKey }) => idempotencyKey)).toEqual(keys)
  })

  test('a number that damage has made huge does not keep it busy for ever', () => {
    fill(20)
    const database = new Sqlite(path)
    database.exec(`UPDATE sqlite_sequence SET seq = 9007199254740 WHERE name = 'registrations'`)
    database.close()
    expect(recoverOutbox(folder, systemClock)).toMatchObject({ recovered: 20, lost: 0 })
  })

  test('a row that damage has made impossible costs itself alone', () => {
    fill(20)
    const database = new Sqlite(path)
    database.pragma('ignore_check_constraints = ON')
    database.exec(`UPDATE registrations SET state = 'garbled' WHERE seq = 7`)
    database.close()
    expect(recoverOutbox(folder, systemClock)).toMatchObject({ recovered: 19, lost: 1 })
  })

  test('where there is no outbox there is nothing to recover', () => {
    expect(() => recoverOutbox(join(folder, 'nowhere'), systemClock)).toThrow(withCode('outbox-missing'))
    expect(readdirSync(folder)).toEqual([])
  })

  test('says so when nothing can be read', () => {
    writeFileSync(path, 'garbage'.repeat(1000))
    expect(recoverOutbox(folder, systemClock)).toMatchObject({ recovered: 0, lost: 0 })
    using outbox = Outbox.open(folder, systemClock)
    expect(outbox.counts().pending).toBe(0)
    expect(readdirSync(folder).some((name) => name.startsWith('outbox-set-aside-'))).toBe(true)
  })

  test('loses nothing of a sound outbox', () => {
    const keys = fill(50)
    const { recovered, lost } = recoverOutbox(folder, systemClock)
    expect({ recovered, lost }).toEqual({ recovered: 50, lost: 0 })
    using outbox = Outbox.open(folder, systemClock)
    expect(outbox.page(0, 1_000).map(({ idempotencyKey }) => idempotencyKey)).toEqual(keys)
  })
})
