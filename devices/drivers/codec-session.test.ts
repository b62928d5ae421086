import { expect, test } from 'vitest'
import { AppError } from '../../shared/errors.ts'
import { LineCodec } from '../codecs/line.ts'
import { ManualClock } from '../manual-clock.testing.ts'
import type { ReaderEvent } from '../reader.ts'
import { readerContext, shortEvent } from '../session.testing.ts'
import { MemoryTransport } from '../transports/memory.ts'
import { CodecSession } from './codec-session.ts'

const line = { terminator: 'any', prefix: '', suffix: '', maxBytes: 128, idleResetMs: 200 } as const

async function openSession() {
  const clock = new ManualClock()
  let wire: MemoryTransport | undefined
  const session = await CodecSession.open(
    readerContext({ clock }),
    new LineCodec(line),
    { removal: 'inferred' },
    (receiver) => {
      wire = new MemoryTransport(receiver)
      return wire
    },
  )
  const send = (text: string): void => wire?.deliver(Buffer.from(text))
  const unplug = (): void => wire?.fail(new AppError('reader-unplugged', 'pulled out'))
  return { clock, session, send, unplug }
}

/** Everything that was said, once the session is over. */
async function said(session: CodecSession): Promise<string[]> {
  const texts: string[] = []
  try {
    for await (const event of session.events()) texts.push(short(event))
  } catch (error) {
    texts.push(error instanceof AppError ? error.code : String(error))
  }
  return texts
}

function short(event: ReaderEvent): string {
  return event.type === 'frame' ? `${event.payload}@${String(event.receivedAtMonoMs)}` : shortEvent(event)
}

test('a frame is dated when its end came', async () => {
  const { clock, session, send } = await openSession()
  send('A0C2')
  await clock.pass(100)
  send('BBCA\r')
  await session[Symbol.asyncDispose]()
  expect(await said(session)).toEqual(['A0C2BBCA@100'])
})

test('half a frame followed by silence is rejected without anything else arriving', async () => {
  const { clock, session, send } = await openSession()
  send('A0C2')
  await clock.pass(230)
  send('DEADBEEF\r')
  await session[Symbol.asyncDispose]()
  expect(await said(session)).toEqual(['!frame-incomplete', 'DEADBEEF@230'])
})

test('a process that stood still for a second does not cut the frame that came meanwhile', async () => {
  const { clock, session, send } = await openSession()
  send('04A224F1')
  clock.stall(1_000)
  // First the overdue timer runs, then the bytes that waited in the kernel are read.
  await clock.pass(0)
  send('B25C80\r')
  await session[Symbol.asyncDispose]()
  expect(await said(session)).toEqual(['04A224F1B25C80@1000'])
})

test('an unplug ends the session after everything that came before it', async () => {
  const { session, send, unplug } = await openSession()
  send('A0C2BBCA\rDEAD')
  unplug()
  send('BEEF\r')
  expect(await said(session)).toEqual(['A0C2BBCA@0', '!frame-incomplete', 'reader-unplugged'])
  expect(session.closed.aborted).toBe(true)
})

test('a session nobody reads fails instead of growing', async () => {
  const { session, send } = await openSession()
  for (let index = 0; index < 100_000; index += 1) send('A0C2BBCA\r')
  const texts = await said(session)
  expect(texts).toHaveLength(257)
  expect(texts.at(-1)).toBe('reader-failed')
})

test('a disposed session waits for nothing any more', async () => {
  const { clock, session, send } = await openSession()
  send('A0C2')
  await session[Symbol.asyncDispose]()
  await clock.pass(1_000)
  expect(await said(session)).toEqual([])
})
