import { execFile } from 'node:child_process'
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import type { AppError } from '../../shared/errors.ts'
import { createAudit } from '../audit/audit.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { newPostgresDatabase } from '../postgres.testing.ts'
import { engines } from '../testbed.testing.ts'
import { readKeyring } from './keyring.ts'
import { openKeyring } from './open-keyring.ts'
import { rotateKeys } from './rotate-keys.ts'
import { findProofs } from './store.ts'
import { createTokens } from './tokens.ts'
import { createVault } from './vault.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-open-keyring-'))
  path = join(folder, 'keys.json')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe.each(engines)('on %s', (engine) => {
  async function open(): Promise<{ database: Database; url: string | undefined } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack()
    const url = engine === 'postgres' ? stack.use(await newPostgresDatabase()).url : undefined
    const database = stack.use(await openDatabase({ folder, url }, systemClock, 'command'))
    const opened = stack.move()
    return { database, url, [Symbol.asyncDispose]: () => opened.disposeAsync() }
  }

  test('20 first starts at once agree on the keys', async () => {
    await using bed = await open()
    const rings = await Promise.all(Array.from({ length: 20 }, () => openKeyring(bed.database, path)))
    expect(new Set(rings.map(({ pepper }) => pepper.toString('hex'))).size).toBe(1)
    expect(readKeyring(path)).toEqual(rings[0])
  })

  test('of first starts with a file each, one has the keys of the database and the others are told', async () => {
    await using bed = await open()
    // With connections open, all of them look before the first one writes.
    await Promise.all(Array.from({ length: 6 }, () => bed.database.transact(findProofs)))
    const starts = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) =>
      openKeyring(bed.database, join(folder, `${name}.json`)),
    )
    const ends = await Promise.allSettled(starts)
    const refused = ends.filter((end) => end.status === 'rejected')
    expect(refused.map(({ reason }) => (reason as AppError).code)).toEqual(Array(5).fill('keys-missing'))
    expect(readdirSync(folder).filter((name) => /^[a-f]\.json$/.test(name))).toHaveLength(1)
  })

  test('a database that has seen keys is never given new ones', async () => {
    await using bed = await open()
    await openKeyring(bed.database, path)
    rmSync(path)
    await expect(openKeyring(bed.database, path)).rejects.toMatchObject({ code: 'keys-missing' })
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test.for(['index', 'pepper', 'data'] as const)('another %s key is refused', async (kind) => {
    await using bed = await open()
    await openKeyring(bed.database, path)
    const text = readFileSync(path, 'utf8')
    const keys = JSON.parse(text) as { data: [{ key: string }]; index: string; pepper: string }
    const other = Buffer.alloc(32, 7).toString('base64')
    if (kind === 'data') keys.data[0].key = other
    else keys[kind] = other
    writeFileSync(path, JSON.stringify(keys))
    await expect(openKeyring(bed.database, path)).rejects.toMatchObject({ code: 'keys-mismatch' })
    writeFileSync(path, text)
    await openKeyring(bed.database, path)
  })

  describe('rotating', () => {
    const rotate = async (database: Database, kind: 'tokens' | 'data'): Promise<string> => {
      const audit = createAudit(database, createVault(await openKeyring(database, path)), systemClock)
      return rotateKeys({ database, audit, keysFile: path }, kind)
    }

    test('token keys: the newest signs, the one before is believed, the third is over', async () => {
      await using bed = await open()
      const sign = async () => {
        const tokens = createTokens((await openKeyring(bed.database, path)).tokens, systemClock)
        return { tokens, token: await tokens.sign({ usuario_id: 1 }) }
      }
      const first = await sign()
      await rotate(bed.database, 'tokens')
      const second = await sign()
      expect(await second.tokens.verify(first.token)).toMatchObject({ usuario_id: 1 })
      await rotate(bed.database, 'tokens')
      const third = await sign()
      expect(await third.tokens.verify(first.token)).toBeUndefined()
      expect(await third.tokens.verify(second.token)).toMatchObject({ usuario_id: 1 })
      expect(readKeyring(path)?.tokens).toHaveLength(2)
      // A server that has not been started again goes on with what it has read.
      expect(await first.tokens.verify(first.token)).toMatchObject({ usuario_id: 1 })
    })

    test('data keys: the newest seals, and whatever was sealed before still opens', async () => {
      await using bed = await open()
      const sealed: string[] = []
      for (let time = 0; time < 4; time += 1) {
        const keyring = await openKeyring(bed.database, path)
        const vault = createVault(keyring)
        sealed.push(vault.seal('p', String(time)))
        expect(sealed.at(-1)).toMatch(new RegExp(`^${keyring.data[0]?.id ?? ''}\\.`))
        expect(sealed.map((text) => vault.open('p', text))).toEqual(['0', '1', '2', '3'].slice(0, time + 1))
        await rotate(bed.database, 'data')
      }
      expect(readKeyring(path)?.data).toHaveLength(5)
    })

    test('processes that rotate at once lose no key', async () => {
      await using bed = await open()
      await openKeyring(bed.database, path)
      const program = fileURLToPath(new URL('rotate.testing.ts', import.meta.url))
      const args = [program, folder, bed.url ?? '', path, String(Date.now() + 4_000)]
      const processes = Array.from({ length: 6 }, () => promisify(execFile)(execPath, args))
      const added = (await Promise.all(processes)).map(({ stdout }) => stdout)
      const kept = readKeyring(path)?.data.map(({ id }) => id) ?? []
      expect(kept).toHaveLength(7)
      expect(kept.slice(0, 6).sort()).toEqual(added.sort())
    }, 60_000)

    test('a keys file from before is refused once data may have been sealed with the new key', async () => {
      await using bed = await open()
      await openKeyring(bed.database, path)
      copyFileSync(path, join(folder, 'old.json'))
      await rotate(bed.database, 'data')
      await expect(openKeyring(bed.database, join(folder, 'old.json'))).rejects.toMatchObject({
        code: 'keys-mismatch',
      })
    })

    test('goes into the audit trail by name alone', async () => {
      await using bed = await open()
      await openKeyring(bed.database, path)
      const newest = await rotate(bed.database, 'tokens')
      const events = await bed.database.db.selectFrom('audit_events').selectAll().execute()
      expect(events).toMatchObject([
        {
          action: 'keys-rotated',
          actor: 'operator',
          subject: 'keys tokens',
          details: JSON.stringify({ newest }),
        },
      ])
    })
  })
})
