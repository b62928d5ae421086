import { expect, test } from 'vitest'
import { everyDay } from './daily.ts'
import { memoryLog, until, wakingClock } from './mail/mail.testing.ts'

test('every work is done at once and each day, whatever becomes of the others', async () => {
  const clock = wakingClock()
  const { log, lines } = memoryLog()
  const stop = new AbortController()
  const done: string[] = []
  const works = {
    'broken thing mended': () => Promise.reject(new Error('broken')),
    'old things forgotten': () => Promise.resolve(done.push('old')),
    'nothing found': () => {
      done.push('nothing')
      return 0
    },
  }
  const ended = everyDay(works, stop.signal, clock, log)
  await until(() => done.length === 2)
  clock.advance(24 * 60 * 60_000 - 1)
  await new Promise(setImmediate)
  expect(done).toEqual(['old', 'nothing'])
  clock.advance(1)
  await until(() => done.length === 4)
  stop.abort()
  await ended
  expect(lines.map(({ level, msg, count }) => [level, msg, count])).toEqual([
    [50, 'failed: broken thing mended', undefined],
    [30, 'old things forgotten', 1],
    [50, 'failed: broken thing mended', undefined],
    [30, 'old things forgotten', 3],
  ])
})
