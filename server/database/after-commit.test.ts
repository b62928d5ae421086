import { describe, expect, test } from 'vitest'
import { openPostOffice } from '../mail/mail.testing.ts'
import { engines } from '../testbed.testing.ts'
import { afterCommit } from './after-commit.ts'
import type { Tx } from './schema.ts'

describe.each(engines)('afterCommit on %s', (engine) => {
  test('tells of what is there for everybody, and never of what was undone', async () => {
    await using office = await openPostOffice(engine)
    const [{ database, mailbox }] = office.cores
    const told: Promise<number>[] = []
    const tell = (): void => {
      told.push(
        database.query((db) => db.selectFrom('mails').select('id').execute()).then(({ length }) => length),
      )
    }
    const queue = (tx: Tx) => mailbox.queue(tx, { to: 'a@example.com', subject: '', text: '', html: '' })
    await expect(
      database.transact(async (tx) => {
        await queue(tx)
        afterCommit(tx, tell)
        throw new Error('undone')
      }),
    ).rejects.toThrow('undone')
    expect(told).toEqual([])
    await database.transact(async (tx) => {
      afterCommit(tx, tell)
      await queue(tx)
      await Promise.resolve()
      expect(told).toEqual([])
    })
    expect(await Promise.all(told)).toEqual([1])
  })
})

test('a work that PostgreSQL wants done again tells once', async () => {
  await using office = await openPostOffice('postgres')
  const [{ database }] = office.cores
  let tries = 0
  let told = 0
  await database.transact((tx) => {
    afterCommit(tx, () => (told += 1))
    tries += 1
    return tries === 1
      ? Promise.reject(Object.assign(new Error('conflict'), { code: '40001' }))
      : Promise.resolve()
  })
  expect([tries, told]).toEqual([2, 1])
})
