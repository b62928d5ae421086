import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { assertDurable } from './sqlite/connect.ts'
import { openDatabase } from './database.ts'
import { migrationNames } from './migrate.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-database-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const open = (path = folder) => openDatabase({ folder: path, url: undefined }, systemClock)

async function openAndClose(path = folder): Promise<string[]> {
  await using database = await open(path)
  return database.migrated
}

describe('opening', () => {
  test('creates the folder for its owner alone and the schema once', async () => {
    const deeper = join(folder, 'deep', 'er')
    expect(await openAndClose(deeper)).toEqual(migrationNames)
    expect(statSync(deeper).mode & 0o777).toBe(0o700)
    expect(await openAndClose(deeper)).toEqual([])
  })

  test('runs with full flushes and a write-ahead log, also after writes', async () => {
    await using database = await open()
    await database.probe()
    await database.probe()
    const { rows: synchronous } = await sql`pragma synchronous`.execute(database.db)
    const { rows: journal } = await sql`pragma journal_mode`.execute(database.db)
    expect([synchronous, journal]).toEqual([[{ synchronous: 2 }], [{ journal_mode: 'wal' }]])
  })

  test('a second server on the folder is refused while the first runs', async () => {
    {
      await using _first = await open()
      await expect(open()).rejects.toMatchObject({ code: 'database-locked' })
    }
    expect(await openAndClose()).toEqual([])
  })

  test('another program may read while the server runs', async () => {
    await using database = await open()
    await database.probe()
    const reader = new Sqlite(join(folder, 'server.db'), { readonly: true })
    expect(reader.prepare('select count(*) from heartbeat').pluck().get()).toBe(1)
    reader.close()
  })

  test('a crash while the file was being created leaves nothing that stands in the way', async () => {
    writeFileSync(join(folder, 'server.db.new'), 'half a fi')
    expect(await openAndClose()).toEqual(migrationNames)
    expect(readdirSync(folder).filter((name) => name.includes('.new'))).toEqual([])
  })

  test('a folder that cannot be made is named', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(open(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'data-folder-unusable' })
  })
})

describe('a damaged database is refused and left as it is, never begun anew', () => {
  const damages: [string, (path: string) => void][] = [
    [
      'text instead of a database',
      (path) => {
        writeFileSync(path, 'not a database at all, but some text\n'.repeat(200))
      },
    ],
    [
      'an emptied file',
      (path) => {
        truncateSync(path, 0)
      },
    ],
    [
      'a file cut short',
      (path) => {
        truncateSync(path, 8192)
      },
    ],
    [
      'a page overwritten',
      (path) => {
        overwrite(path, 4096 * 3)
      },
    ],
    [
      'an overwritten header',
      (path) => {
        overwrite(path, 0)
      },
    ],
    [
      'the file gone and its log left',
      (path) => {
        rmSync(path)
        writeFileSync(`${path}-wal`, 'x')
      },
    ],
    [
      'a database of another program',
      (path) => {
        rmSync(path)
        const other = new Sqlite(path)
        other.exec('create table clients (id)')
        other.close()
      },
    ],
  ]
  test.for(damages)('%s', async ([, damage]) => {
    await openAndClose()
    const path = join(folder, 'server.db')
    damage(path)
    const before = readdirSync(folder).sort()
    const size = statSync(path, { throwIfNoEntry: false })?.size
    for (let time = 0; time < 2; time += 1) {
      await expect(open()).rejects.toMatchObject({ code: 'database-corrupt' })
    }
    expect(statSync(path, { throwIfNoEntry: false })?.size).toBe(size)
    expect(before.every((name) => readdirSync(folder).includes(name))).toBe(true)
  })

  test('a database of a newer version', async () => {
    await openAndClose()
    const file = new Sqlite(join(folder, 'server.db'))
    file.prepare("insert into kysely_migration values ('9999-later', '2030-01-01')").run()
    file.close()
    await expect(open()).rejects.toMatchObject({ code: 'database-too-new' })
  })

  test('a database that another program keeps locked', async () => {
    await openAndClose()
    const other = new Sqlite(join(folder, 'server.db'))
    other.pragma('locking_mode = exclusive')
    other.exec('begin exclusive')
    await expect(open()).rejects.toMatchObject({ code: 'database-locked' })
    other.close()
  })
})

describe('a database that would lose commits is refused', () => {
  test.for<[string, string[]]>([
    ['flushes only now and then', ['journal_mode = wal', 'synchronous = normal']],
    ['no write-ahead log', ['journal_mode = delete', 'synchronous = full']],
    ['what WAL makes of it when nothing was asked for', ['journal_mode = wal']],
  ])('%s', ([, pragmas]) => {
    const file = new Sqlite(join(folder, 'some.db'))
    for (const text of pragmas) file.pragma(text)
    expect(() => {
      assertDurable(file)
    }).toThrow(expect.objectContaining({ code: 'database-not-durable' }))
    file.close()
  })

  test('memory instead of a file', () => {
    const file = new Sqlite(':memory:')
    file.pragma('synchronous = full')
    expect(() => {
      assertDurable(file)
    }).toThrow(expect.objectContaining({ code: 'database-not-durable' }))
  })
})

function overwrite(path: string, offset: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, offset)
  closeSync(file)
}
