import { closeSync, ftruncateSync, fstatSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Outbox } from '../agent/outbox/outbox.ts'
import { systemClock } from '../shared/clock.ts'
import { AppError } from '../shared/errors.ts'
import { smallDisk, temporaryFolder } from './lobby.ts'

const pageBytes = 4_096
/** Free pages with which every piece of work must get through. */
const enough = 64

/** Leaves so many free pages. */
function fillDisk(path: string, pages: number): void {
  const file = openSync(path, 'w')
  try {
    for (const bytes of [1024 * 1024, pageBytes]) {
      try {
        for (;;) writeSync(file, Buffer.alloc(bytes))
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' })
      }
    }
    ftruncateSync(file, Math.max(0, fstatSync(file).size - pages * pageBytes))
  } finally {
    closeSync(file)
  }
}

/**
 * Every kind of write that a lobby sees. Each is tried on a full disk first, then with one page of room more each time until
 * it gets through: so the disk ends within every one of its writes.
 */
test('a disk that is full at any write of a day refuses it whole, and never what the server has answered', async () => {
  using folder = temporaryFolder('disk-day')
  const data = join(folder.path, 'disk')
  using _disk = smallDisk(data, '48m')
  const filler = join(data, 'filler')
  const open = (): Outbox => Outbox.open(data, systemClock, { limits: { minFreeBytes: 0 } })
  let outbox = open()
  const ids: string[] = []
  let nextClient = 1
  const registration = () => {
    const client = String(nextClient++)
    const body = JSON.stringify({ client, text: 'x'.repeat(3_000) })
    return { system: 'vlt-clients', subject: client, card: client, readerId: null, body } as const
  }
  const id = (row: number): string => ids.at(row) ?? ''
  const append = (): void => {
    ids.push(outbox.append(registration()).id)
  }
  const letters = [0, 1, 2, 3]

  const fromServer: [string, () => void][] = [
    [
      'deliver',
      () => {
        outbox.markDelivered(id(4), JSON.stringify({ id: 'y'.repeat(9_000) }))
      },
    ],
    [
      'a batch',
      () => {
        outbox.settleAll([5, 6, 7].map((row) => ({ id: id(row), state: 'delivered', receipt: '{}' })))
      },
    ],
    [
      'fail',
      () => {
        outbox.recordAttempt(id(8), 'server-failed')
      },
    ],
    ['blame', () => outbox.blame(id(8))],
    [
      'refuse',
      () => {
        outbox.settleAll(
          letters.map((row) => ({ id: id(row), state: 'dead', error: 'rejected-invalid', receipt: null })),
        )
      },
    ],
  ]
  const ours: [string, () => unknown][] = [
    ['accept', append],
    ['accept again', append],
    ['a list', () => ids.push(...list())],
    ['file', () => outbox.upkeep.fileOldest()],
    [
      'note what is sent',
      () => {
        outbox.noteSent(id(9))
      },
    ],
    [
      'retry',
      () => {
        outbox.letters.retry(id(0))
      },
    ],
    [
      'fix',
      () => {
        outbox.letters.fix(id(1), JSON.stringify({ text: 'z'.repeat(9_000) }))
      },
    ],
    [
      'discard',
      () => {
        outbox.letters.discard(id(2), 'left')
      },
    ],
    ['retry all', () => outbox.letters.retryAll()],
    [
      'export',
      () => {
        outbox.letters.noteExport({ uid: 1, user: 'clerk' })
      },
    ],
    ['turn keys', () => outbox.keys.rotate()],
    ['seal anew', () => outbox.keys.reseal()],
    ['bury', () => outbox.upkeep.forgetDelivered(0)],
    ['forget', () => outbox.upkeep.forgetTombstones(0)],
    ['give back', () => outbox.upkeep.giveBack()],
    [
      'probe',
      () => {
        outbox.probe()
      },
    ],
  ]
  const list = (): string[] => {
    const { highestSeq } = outbox.watermark()
    outbox.appendOnce(Array.from({ length: 20 }, registration))
    return outbox.page(highestSeq, 20).map((row) => row.id)
  }

  for (let row = 0; row < 10; row++) append()
  const refused = new Map<string, number>()
  for (const [name, work] of [...fromServer, ...ours]) {
    const mayFail = ours.some(([other]) => other === name)
    for (let pages = 0; ; pages++) {
      expect(pages, name).toBeLessThan(enough)
      const before = outbox.counts()
      fillDisk(filler, pages)
      try {
        work()
        break
      } catch (error) {
        if (!(error instanceof AppError && error.code === 'disk-full' && mayFail)) throw error
        refused.set(name, pages + 1)
        expect({ name, ...outbox.counts() }).toEqual({
          name,
          ...before,
          oldestPendingSeconds: expect.any(Number) as number,
        })
      } finally {
        rmSync(filler)
        outbox.upkeep.layBallast()
      }
    }
    outbox[Symbol.dispose]()
    outbox = open()
    expect(outbox.recovery, name).toBeUndefined()
    expect(outbox.counts(), name).toMatchObject({ lost: 0 })
  }
  console.log(`refused: ${[...refused].map(([name, times]) => `${name} ${String(times)}`).join(', ')}`)
  expect(refused.size).toBeGreaterThan(0)
  const { delivered, dead, discarded, pending } = outbox.counts()
  expect({ delivered, dead, discarded, pending }).toEqual({
    delivered: 4,
    dead: 0,
    discarded: 1,
    pending: ids.length - 5,
  })
  expect(await outbox.upkeep.verify()).toMatchObject({})
  outbox[Symbol.dispose]()
})
