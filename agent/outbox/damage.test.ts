import { execFile } from 'node:child_process'
import {
  cpSync,
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
import { outboxPath } from './folder.ts'
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

/** Opens the outbox and closes it; answers what that had to salvage. */
function heal() {
  using outbox = Outbox.open(folder, systemClock)
  const { recovery, epoch } = outbox
  return { recovery, epoch, watermark: outbox.watermark(), rows: outbox.page(0, 10_000) }
}

describe('a damaged outbox goes on by itself, in a new epoch, and tells what is lost', () => {
  test('a file that is no database', () => {
    writeFileSync(path, 'this is not a database, but it is long enough to look like one'.repeat(40))
    const before = readFileSync(path)
    const { recovery } = heal()
    expect(recovery).toMatchObject({ salvaged: 0, lost: 0 })
    expect(readFileSync(join(recovery?.setAside ?? '', 'outbox.db'))).toEqual(before)
  })

  test('a file with garbled pages', () => {
    const keys = fill(200)
    const { epoch } = heal()
    const bytes = readFileSync(path)
    bytes.fill(0xa5, 20 * 4096, 24 * 4096)
    writeFileSync(path, bytes)
    const healed = heal()
    const { salvaged = 0, lost = 0 } = healed.recovery ?? {}
    expect(lost).toBeGreaterThan(0)
    expect(salvaged + lost).toBe(200)
    expect(healed.epoch).not.toBe(epoch)
    expect(healed.watermark).toMatchObject({ accepted: 200, pending: salvaged, lost })
    for (const row of healed.rows) expect(keys[row.seq - 1]).toBe(row.idempotencyKey)
    // Once is enough.
    expect(heal()).toMatchObject({ recovery: undefined, epoch: healed.epoch })
  })

  test('a file that was cut short', () => {
    fill(200)
    truncateSync(path, 15 * 4096)
    const { salvaged = 0, lost = 0 } = heal().recovery ?? {}
    expect(salvaged + lost).toBe(200)
  })

  test('a write-ahead log without its database', () => {
    writeFileSync(`${path}-wal`, 'accepted registrations may be in here')
    const { recovery } = heal()
    expect(readFileSync(join(recovery?.setAside ?? '', 'outbox.db-wal'), 'utf8')).toContain('may be in here')
  })

  test.each(['removed', 'emptied'])('an outbox that was there and was %s', (how) => {
    fill(3)
    if (how === 'removed') rmSync(path)
    else truncateSync(path, 0)
    expect(heal()).toMatchObject({ recovery: { salvaged: 0, lost: 3 }, watermark: { accepted: 3, lost: 3 } })
  })

  test('an older copy that was put in its place', () => {
    fill(3)
    cpSync(path, join(folder, 'older'))
    fill(2)
    cpSync(join(folder, 'older'), path)
    const { recovery, rows } = heal()
    expect(recovery).toMatchObject({ salvaged: 3, lost: 2 })
    expect(rows.map(({ seq }) => seq)).toEqual([1, 2, 3])
  })

  test('numbers that were lost are not given out again', () => {
    fill(3)
    rmSync(path)
    heal()
    fill(1)
    expect(heal().rows.map(({ seq }) => seq)).toEqual([4])
  })

  test('but an outbox of a newer program is refused, and left as it is', () => {
    fill(1)
    const bytes = readFileSync(path)
    bytes.writeUInt32BE(99, 60) // user_version, in the file header
    writeFileSync(path, bytes)
    const mark = readFileSync(`${path}-mark`, 'utf8')
    writeFileSync(`${path}-mark`, mark.replace('v2 ', 'v99 '))
    expect(() => Outbox.open(folder, systemClock)).toThrow(withCode('outbox-too-new'))
  })
})

describe('a held outbox', () => {
  test('a second opener is told who holds it', async () => {
    const holder = `
      import { Outbox } from ${JSON.stringify(new URL('./outbox.ts', import.meta.url).href)}
      import { systemClock } from ${JSON.stringify(new URL('../../shared/clock.ts', import.meta.url).href)}
      globalThis.held = Outbox.open(${JSON.stringify(folder)}, systemClock) // or it would be collected, and let go
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
    fill(300)
    const bytes = readFileSync(path)
    bytes.fill(0xa5, 22 * 4096, 23 * 4096)
    writeFileSync(path, bytes)
    cpSync(path, join(folder, 'copy'))

    const { salvaged, lost, setAside } = recoverOutbox(folder, systemClock)
    expect(salvaged + lost).toBe(300)
    expect(salvaged).toBeGreaterThan(200)
    expect(lost).toBeGreaterThan(0)
    expect(readFileSync(join(setAside, 'outbox.db'))).toEqual(readFileSync(join(folder, 'copy')))
  })

  test.each(['before', 'after'])(
    'a swap that was cut short %s the mark is finished by the next opening',
    (when) => {
      const keys = fill(50)
      recoverOutbox(folder, systemClock)
      renameSync(path, `${path}.recovered`)
      if (when === 'before') renameSync(`${path}-mark`, `${path}.recovered-mark`)
      writeFileSync(path, 'the damaged file')
      const { recovery, rows } = heal()
      expect(recovery).toBeUndefined()
      expect(rows.map(({ idempotencyKey }) => idempotencyKey)).toEqual(keys)
    },
  )

  test('a number that damage has made huge does not keep it busy for ever', () => {
    fill(20)
    const database = new Sqlite(path)
    database.exec(`UPDATE outbox SET seq_floor = 9007199254740`)
    database.close()
    expect(recoverOutbox(folder, systemClock)).toMatchObject({ salvaged: 20, lost: 0 })
  })

  test.each([
    ['name', 3],
    ['fixed fraction', 21],
    ['schema format', 47],
    ['text encoding', 59],
  ])('a header whose %s is damaged costs nothing', (_what, offset) => {
    fill(20)
    const bytes = readFileSync(path)
    bytes[offset] = 9
    writeFileSync(path, bytes)
    const { rows } = heal()
    expect(rows.map(({ body, state }) => [body, state])).toEqual(
      Array.from({ length: 20 }, () => ['x'.repeat(300), 'pending']),
    )
  })

  test('a tombstone that opens no more is found in idle hours, and told as lost by the next start', () => {
    {
      using outbox = Outbox.open(folder, systemClock)
      const ids = Array.from({ length: 3 }, (_, row) => {
        const own = String(row)
        return outbox.append({ system: 'vlt-clients', subject: own, card: own, body: '{}', readerId: null })
          .id
      })
      outbox.settleAll(ids.map((id) => ({ id, state: 'delivered', receipt: '{"id":1}' })))
      expect(outbox.upkeep.forgetDelivered(0)).toBe(3)
    }
    const database = new Sqlite(path)
    database.exec('UPDATE tombstones SET idempotency_key = zeroblob(16) WHERE seq = 2')
    database.close()
    {
      using outbox = Outbox.open(folder, systemClock)
      expect(() => outbox.upkeep.mend(0)).toThrow(withCode('outbox-corrupt'))
    }
    const { recovery, watermark } = heal()
    expect([recovery, watermark]).toMatchObject([
      { salvaged: 2, lost: 1 },
      { accepted: 3, delivered: 2, lost: 1 },
    ])
    using outbox = Outbox.open(folder, systemClock)
    expect(outbox.upkeep.mend(0)).toBeUndefined()
  })

  test('columns whose names damage has changed are read by their place', () => {
    fill(20)
    const database = new Sqlite(path)
    database.unsafeMode()
    database.pragma('writable_schema = ON')
    database.exec(
      `UPDATE sqlite_schema SET sql = replace(sql, 'consent_text', 'consent_tixt') WHERE name = 'registrations'`,
    )
    database.close()
    const { recovery, rows } = heal()
    expect(recovery).toMatchObject({ salvaged: 20, lost: 0 })
    expect(new Set(rows.map(({ body }) => body))).toEqual(new Set(['x'.repeat(300)]))
  })

  test('a row that damage has changed costs itself alone', () => {
    fill(20)
    const database = new Sqlite(path)
    database.pragma('ignore_check_constraints = ON')
    database.exec(`UPDATE registrations SET state = 'garbled' WHERE seq = 7`)
    database.exec(`UPDATE registrations SET body = zeroblob(300) WHERE seq = 8`)
    database.exec(`UPDATE registrations SET state = 'delivered' WHERE seq = 9`)
    database.close()
    expect(recoverOutbox(folder, systemClock)).toMatchObject({ salvaged: 19, lost: 1 })
    // What cannot have become of a registration did not: it is sent.
    expect(heal().watermark).toMatchObject({ pending: 19, delivered: 0, lost: 1 })
  })

  test('where there is no outbox there is nothing to recover', () => {
    expect(() => recoverOutbox(join(folder, 'nowhere'), systemClock)).toThrow(withCode('outbox-missing'))
    expect(readdirSync(folder)).toEqual([])
  })

  test('a row removed, or a state changed, behind our back breaks chain and counts', async () => {
    fill(20)
    const database = new Sqlite(path)
    database.exec('DELETE FROM registrations WHERE seq = 7')
    database.close()
    using outbox = Outbox.open(folder, systemClock)
    const { problems } = await outbox.upkeep.verify()
    expect(problems).toContain(
      'the chain is broken at number 8: this row or the one before was removed or changed',
    )
    expect(problems).toContain('20 were accepted, 19 are accounted for')
  })

  test('loses nothing of a sound outbox', () => {
    const keys = fill(50)
    expect(recoverOutbox(folder, systemClock)).toMatchObject({ salvaged: 50, lost: 0 })
    expect(heal().rows.map(({ idempotencyKey }) => idempotencyKey)).toEqual(keys)
  })
})
