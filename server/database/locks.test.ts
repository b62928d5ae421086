import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { newPostgresDatabase, type PostgresDatabase } from '../postgres.testing.ts'
import { type Database, openDatabase } from './database.ts'
import { lock, tryLock } from './locks.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-locks-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('between two instances on one PostgreSQL', () => {
  let place: PostgresDatabase
  let one: Database
  let other: Database
  beforeAll(async () => {
    place = await newPostgresDatabase()
    one = await openDatabase({ folder, url: place.url }, systemClock)
    other = await openDatabase({ folder, url: place.url }, systemClock)
  })
  afterAll(async () => {
    await one[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })

  /** A transaction of the first instance that holds the name until told how to end. */
  async function holding(name: string): Promise<{ commit: () => Promise<void>; undo: () => Promise<void> }> {
    const held = Promise.withResolvers<undefined>()
    const end = Promise.withResolvers<undefined>()
    const done = one.transact(async (tx) => {
      await lock(tx, [name])
      held.resolve(undefined)
      await end.promise
    })
    await held.promise
    return {
      commit: () => {
        end.resolve(undefined)
        return done
      },
      undo: async () => {
        end.reject(new Error('no'))
        await expect(done).rejects.toThrow('no')
      },
    }
  }

  test.for<'commit' | 'undo'>(['commit', 'undo'])(
    'who asks for a held name waits for it until %s',
    async (end) => {
      const holder = await holding('name')
      let got = false
      const waiting = other.transact(async (tx) => {
        await lock(tx, ['another', 'name'])
        got = true
      })
      await delay(200)
      expect(got).toBe(false)
      await holder[end]()
      await waiting
      expect(got).toBe(true)
    },
  )

  test('other names are free meanwhile', async () => {
    const holder = await holding('name')
    await other.transact((tx) => lock(tx, ['nam', 'name ', 'Name']))
    await holder.commit()
  })

  test.for<'commit' | 'undo'>(['commit', 'undo'])(
    'trying answers at once, and once more after %s',
    async (end) => {
      const holder = await holding('name')
      expect(await other.transact((tx) => tryLock(tx, 'name'))).toBe(false)
      expect(await one.transact((tx) => tryLock(tx, 'name'))).toBe(false)
      await holder[end]()
      expect(await other.transact((tx) => tryLock(tx, 'name'))).toBe(true)
      expect(await one.transact((tx) => tryLock(tx, 'name'))).toBe(true)
    },
  )

  test('names taken in any order never deadlock', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `name ${String(n)}`)
    let runs = 0
    await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        (n % 2 === 0 ? one : other).transact(async (tx) => {
          runs += 1
          const from = n % names.length
          const turned = [...names.slice(from), ...names.slice(0, from)]
          await lock(tx, n % 3 === 0 ? turned.reverse() : turned)
        }),
      ),
    )
    // A deadlock would have been mended by doing the work once more.
    expect(runs).toBe(200)
  })
})

test('on SQLite nobody waits: transactions run one after the other anyway', async () => {
  await using database = await openDatabase({ folder, url: undefined }, systemClock)
  await Promise.all(
    [1, 2].map(() =>
      database.transact(async (tx) => {
        await lock(tx, ['name'])
        expect(await tryLock(tx, 'name')).toBe(true)
      }),
    ),
  )
})
