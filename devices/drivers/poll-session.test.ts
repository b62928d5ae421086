import { describe, expect, test } from 'vitest'
import { AppError } from '../../shared/errors.ts'
import type { CardFrame } from '../card-frame.ts'
import { LineCodec } from '../codecs/line.ts'
import { ManualClock } from '../manual-clock.testing.ts'
import { readerContext, shortEvent } from '../session.testing.ts'
import { MemoryTransport } from '../transports/memory.ts'
import { PollSession, type PollProtocol, type Wire } from './poll-session.ts'

const answerMs = 100

/** A reader of lines: `who` is answered `me`, `card` by a card or `none`, `off` and `beep` by `ok`. */
function lineProtocol(extra: Partial<PollProtocol<CardFrame>> = {}): PollProtocol<CardFrame> {
  return {
    device: 'line reader',
    codec: new LineCodec({ terminator: 'cr', prefix: '', suffix: '', maxBytes: 32, idleResetMs: 50 }),
    start: async (wire) => (await ask(wire, 'who', (line) => (line === 'me' ? line : undefined))) === 'me',
    async look(wire) {
      const line = await ask(wire, 'card')
      if (line === undefined) return undefined
      if (line === 'none') return [{ card: null }]
      if (line === 'no') return [{ rejected: { code: 'answer-failed', bytes: 2 } }]
      return [{ card: { payload: line, form: 'bytes', proof: 'none' } }]
    },
    ...extra,
  }
}

function ask(
  wire: Wire<CardFrame>,
  text: string,
  read: (line: string) => string | undefined = (line) => line,
): Promise<string | undefined> {
  return wire.ask(Buffer.from(`${text}\r`), answerMs, ({ payload }) => read(payload))
}

/** The device on the other end. */
function plugIn(protocol = lineProtocol()) {
  const clock = new ManualClock()
  const device = {
    clock,
    asked: [] as string[],
    /** undefined: it does not answer. */
    answers: { who: 'me', card: 'none', off: 'ok', beep: 'ok' } as Record<string, string | undefined>,
    answerDelayMs: 0,
    disposed: 0,
    wire: undefined as MemoryTransport | undefined,
    onWrite: (): void | Promise<void> => undefined,
    send(text: string): void {
      device.wire?.deliver(Buffer.from(text))
    },
    open(signal = new AbortController().signal) {
      return PollSession.open(readerContext({ clock, signal }), protocol, { pollMs: 150 }, (receiver) => {
        const wire = new MemoryTransport(receiver, async (bytes) => {
          await device.onWrite()
          const request = Buffer.from(bytes).toString().trimEnd()
          device.asked.push(request)
          const answer = device.answers[request]
          if (answer === undefined) return
          if (device.answerDelayMs === 0) device.send(`${answer}\r`)
          else {
            void clock.sleep(device.answerDelayMs, new AbortController().signal).then(() => {
              device.send(`${answer}\r`)
            })
          }
        })
        const dispose = wire[Symbol.asyncDispose].bind(wire)
        wire[Symbol.asyncDispose] = () => {
          device.disposed += 1
          return dispose()
        }
        device.wire = wire
        return wire
      })
    },
  }
  return device
}

/** What the session says, and how it ended. */
function listen(session: PollSession<CardFrame>): string[] {
  const texts: string[] = []
  void (async () => {
    try {
      for await (const event of session.events()) texts.push(shortEvent(event))
      texts.push('ended')
    } catch (error) {
      texts.push(error instanceof AppError ? error.code : String(error))
    }
  })()
  return texts
}

async function openAnd(device: ReturnType<typeof plugIn>) {
  const opening = device.open()
  await device.clock.pass(0)
  const session = await opening
  return { session, texts: listen(session) }
}

describe('asking', () => {
  test('goes on at pollMs, and each look says what it found', async () => {
    const device = plugIn()
    const { session, texts } = await openAnd(device)
    await device.clock.pass(200)
    device.answers['card'] = 'A0C2BBCA'
    await device.clock.pass(150)
    device.answers['card'] = 'none'
    await device.clock.pass(150)
    await session[Symbol.asyncDispose]()
    await device.clock.pass(0)
    expect(texts).toEqual(['missed', 'missed', 'A0C2BBCA', 'missed', 'ended'])
    expect(device.asked).toEqual(['who', ...Array.from({ length: 4 }, () => 'card')])
  })

  test('has one request in flight: the next one waits for the answer, and is never closer than the rest', async () => {
    const rest = async (wire: Wire<CardFrame>): Promise<void> => {
      await ask(wire, 'off')
    }
    const device = plugIn(lineProtocol({ rest }))
    device.answerDelayMs = 90
    const opening = device.open()
    await device.clock.pass(90)
    const session = await opening
    const texts = listen(session)
    const times: number[] = []
    device.onWrite = () => {
      times.push(device.clock.monoMs())
    }
    await device.clock.pass(990)
    await session[Symbol.asyncDispose]()
    expect(device.asked.slice(0, 5)).toEqual(['who', 'card', 'off', 'card', 'off'])
    for (const [index, atMs] of times.entries()) {
      if (index > 0) expect(atMs - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(90)
    }
    expect(texts).toContain('missed')
  })

  test('what arrives unasked is no answer to the next question', async () => {
    const device = plugIn()
    const { texts } = await openAnd(device)
    await device.clock.pass(20)
    device.send('DEADBEEF\rA0C2')
    await device.clock.pass(300)
    expect(texts).toEqual(['missed', '!frame-incomplete', 'missed', 'missed'])
  })

  test('a process that stood still does not miss the answer that came meanwhile', async () => {
    const device = plugIn()
    const { texts } = await openAnd(device)
    device.answers['card'] = undefined
    await device.clock.pass(160)
    expect(device.asked).toEqual(['who', 'card', 'card'])
    device.clock.stall(5_000)
    await device.clock.pass(0)
    device.send('A0C2BBCA\r')
    await device.clock.pass(0)
    expect(texts).toEqual(['missed', 'A0C2BBCA'])
    expect(device.asked).toEqual(['who', 'card', 'card'])
  })

  test('a reader without a card is set up anew every 30 s, one with a card is not', async () => {
    const device = plugIn()
    await openAnd(device)
    await device.clock.pass(29_000)
    expect(device.asked.filter((request) => request === 'who')).toHaveLength(1)
    await device.clock.pass(2_000)
    expect(device.asked.filter((request) => request === 'who')).toHaveLength(2)
    device.answers['card'] = 'A0C2BBCA'
    await device.clock.pass(60_000)
    expect(device.asked.filter((request) => request === 'who')).toHaveLength(2)
  })
})

describe('a reader that does not answer', () => {
  test('is probed at once, and read on when that helps', async () => {
    const device = plugIn()
    const { texts } = await openAnd(device)
    device.answers['card'] = undefined
    await device.clock.pass(260)
    device.answers['card'] = 'A0C2BBCA'
    await device.clock.pass(100)
    expect(texts).toEqual(['missed', 'A0C2BBCA'])
    expect(device.asked).toEqual(['who', 'card', 'card', 'who', 'card'])
  })

  test('is probed three times, then deaf, and the line is let go', async () => {
    const device = plugIn()
    const { session, texts } = await openAnd(device)
    device.answers = {}
    await device.clock.pass(149)
    expect(device.disposed).toBe(0)
    await device.clock.pass(4 * answerMs + 60)
    expect(texts).toEqual(['missed', 'reader-deaf'])
    expect(device.asked).toEqual(['who', 'card', 'card', 'who', 'who', 'who'])
    expect(device.disposed).toBeGreaterThan(0)
    await device.clock.pass(10_000)
    expect(device.asked).toHaveLength(6)
    await session[Symbol.asyncDispose]()
  })

  test('is deaf also when only its probe answers', async () => {
    const device = plugIn()
    const { texts } = await openAnd(device)
    device.answers['card'] = undefined
    await device.clock.pass(5_000)
    expect(texts).toEqual(['missed', 'reader-deaf'])
    expect(device.asked.filter((request) => request === 'card')).toHaveLength(6)
  })

  test('or answers something else when probed, is no such reader', async () => {
    const device = plugIn()
    const { texts } = await openAnd(device)
    device.answers = { who: 'you' }
    await device.clock.pass(5_000)
    expect(texts).toEqual(['missed', 'reader-protocol'])
  })

  test('or refuses five times in a row, is no such reader; an answer between begins anew', async () => {
    const device = plugIn()
    const { texts } = await openAnd(device)
    device.answers['card'] = 'no'
    await device.clock.pass(4 * 150)
    device.answers['card'] = 'none'
    await device.clock.pass(150)
    device.answers['card'] = 'no'
    await device.clock.pass(10 * 150)
    const refused = (times: number): string[] => Array.from({ length: times }, () => '!answer-failed')
    expect(texts).toEqual(['missed', ...refused(4), 'missed', ...refused(5), 'reader-protocol'])
  })
})

describe('opening', () => {
  const pass = async (device: ReturnType<typeof plugIn>, opening: Promise<unknown>): Promise<void> => {
    void opening.catch(() => undefined)
    await device.clock.pass(5_000)
  }

  test('fails as reader-deaf without an answer, and lets the line go', async () => {
    const device = plugIn()
    device.answers = {}
    const opening = device.open()
    await pass(device, opening)
    await expect(opening).rejects.toMatchObject({ code: 'reader-deaf' })
    expect(device.asked).toEqual(['who', 'who', 'who'])
    expect(device.disposed).toBe(1)
  })

  test('fails as reader-protocol with another one', async () => {
    const device = plugIn()
    device.answers = { who: 'you' }
    const opening = device.open()
    await pass(device, opening)
    await expect(opening).rejects.toMatchObject({ code: 'reader-protocol' })
  })

  test('takes the right answer behind others, and at the third try', async () => {
    const device = plugIn()
    device.answers['who'] = 'none\rA0C2BBCA\rme'
    await openAnd(device)
    const late = plugIn()
    late.answers = {}
    const opening = late.open()
    await late.clock.pass(2 * answerMs + 20)
    late.send('me\r')
    await late.clock.pass(10)
    await opening
    expect(late.asked).toContain('who')
  })

  test('can be given up', async () => {
    const device = plugIn()
    device.answers = {}
    const stop = new AbortController()
    const opening = device.open(stop.signal)
    void opening.catch(() => undefined)
    await device.clock.pass(50)
    stop.abort()
    await device.clock.pass(0)
    await expect(opening).rejects.toMatchObject({ code: 'reader-failed' })
    expect(device.disposed).toBe(1)
    expect(device.asked).toEqual(['who'])
  })

  test('ends with the unplug that happens meanwhile', async () => {
    const device = plugIn()
    device.answers = {}
    const opening = device.open()
    void opening.catch(() => undefined)
    await device.clock.pass(50)
    device.wire?.fail(new AppError('reader-unplugged', 'pulled out'))
    await device.clock.pass(0)
    await expect(opening).rejects.toMatchObject({ code: 'reader-unplugged' })
  })
})

describe('a session ends', () => {
  test('with the fault of its line, after what came before it', async () => {
    const device = plugIn()
    const { texts } = await openAnd(device)
    device.answers['card'] = undefined
    await device.clock.pass(160)
    device.send('A0C2')
    device.wire?.fail(new AppError('reader-unplugged', 'pulled out'))
    await device.clock.pass(10_000)
    expect(texts).toEqual(['missed', '!frame-incomplete', 'reader-unplugged'])
    expect(device.asked).toHaveLength(3)
  })

  test('with the fault of a request that could not be sent', async () => {
    const device = plugIn()
    const { texts } = await openAnd(device)
    device.onWrite = () => Promise.reject(new AppError('reader-deaf', 'takes nothing'))
    await device.clock.pass(10_000)
    expect(texts).toEqual(['missed', 'reader-deaf'])
    expect(device.disposed).toBe(1)
  })

  test('with reader-failed when the driver has a bug', async () => {
    const broken = lineProtocol()
    let looks = 0
    const device = plugIn({
      ...broken,
      look: (wire) => {
        looks += 1
        if (looks === 3) throw new TypeError('a bug')
        return broken.look(wire)
      },
    })
    const { texts } = await openAnd(device)
    await device.clock.pass(1_000)
    expect(texts).toEqual(['missed', 'missed', 'reader-failed'])
  })

  test('when nobody reads it, instead of growing', async () => {
    const device = plugIn()
    const opening = device.open()
    await device.clock.pass(120_000)
    const session = await opening
    const asked = device.asked.length
    expect(asked).toBeLessThan(300)
    await device.clock.pass(60_000)
    expect(device.asked).toHaveLength(asked)
    const texts = listen(session)
    await device.clock.pass(0)
    expect(texts.at(-1)).toBe('reader-failed')
    expect(texts).toHaveLength(257)
  })

  test('when it is disposed, at once, and asks nothing any more', async () => {
    const device = plugIn()
    const { session, texts } = await openAnd(device)
    device.answers['card'] = undefined
    await device.clock.pass(160)
    await session[Symbol.asyncDispose]()
    await device.clock.pass(10_000)
    expect(texts).toEqual(['missed', 'ended'])
    expect(device.asked).toEqual(['who', 'card', 'card'])
  })
})

describe('feedback', () => {
  const withShow = (): PollProtocol<CardFrame> =>
    lineProtocol({
      show: async (wire, what) => {
        await ask(wire, what)
      },
    })

  test('is absent where the reader can show nothing', async () => {
    const { session } = await openAnd(plugIn())
    expect(session.feedback).toBeUndefined()
  })

  test('is shown at once while the session rests', async () => {
    const device = plugIn(withShow())
    const { session } = await openAnd(device)
    device.answers['accepted'] = 'ok'
    await device.clock.pass(50)
    session.feedback?.('accepted')
    await device.clock.pass(0)
    expect(device.asked).toEqual(['who', 'card', 'accepted'])
    await device.clock.pass(99)
    expect(device.asked).toHaveLength(3)
    await device.clock.pass(1)
    expect(device.asked).toEqual(['who', 'card', 'accepted', 'card'])
  })

  test('waits for no more than the request in flight, and a second one is dropped', async () => {
    const device = plugIn(withShow())
    const { session } = await openAnd(device)
    device.answers['accepted'] = 'ok'
    device.answers['refused'] = 'ok'
    device.answerDelayMs = 40
    await device.clock.pass(160)
    session.feedback?.('accepted')
    session.feedback?.('refused')
    await device.clock.pass(20)
    expect(device.asked).toEqual(['who', 'card', 'card'])
    await device.clock.pass(20)
    expect(device.asked).toEqual(['who', 'card', 'card', 'accepted'])
    await device.clock.pass(1_000)
    expect(device.asked).not.toContain('refused')
  })

  test('that is no news any more is dropped', async () => {
    const device = plugIn(withShow())
    const { session } = await openAnd(device)
    device.answers = {}
    await device.clock.pass(155)
    session.feedback?.('accepted')
    await device.clock.pass(305)
    device.answers = { who: 'me', card: 'none', accepted: 'ok', refused: 'ok' }
    device.send('me\r')
    await device.clock.pass(300)
    expect(device.asked).not.toContain('accepted')
    session.feedback?.('refused')
    await device.clock.pass(20)
    expect(device.asked).toContain('refused')
  })

  test('for a session that is over is dropped', async () => {
    const device = plugIn(withShow())
    const { session } = await openAnd(device)
    await session[Symbol.asyncDispose]()
    session.feedback?.('accepted')
    await device.clock.pass(1_000)
    expect(device.asked).toEqual(['who', 'card'])
  })
})
