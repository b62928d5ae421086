import assert from 'node:assert/strict'
import { AppError } from '../shared/errors.ts'
import type { Reader } from './reader.ts'

/** One device of a driver on the bench, plugged in. */
export interface ReaderBench extends AsyncDisposable {
  open(): Promise<Reader>
  /** A card is read whose frame holds this text, which is eight hex digits. */
  frame(text: string): Promise<void>
  /** What the payload of that frame is, where it is more than the text. */
  payload?(text: string): string
  /** The first half of a frame, and no more. */
  half(): Promise<void>
  unplug(): Promise<void>
  replug(): Promise<void>
}

export interface ConformanceCase {
  name: string
  run: (bench: ReaderBench) => Promise<void>
}

/** What every driver owes the supervisor. Each case takes a bench of its own. */
export const readerConformance: ConformanceCase[] = [
  {
    name: 'frames arrive whole and in order',
    async run(bench) {
      await using reader = await bench.open()
      const events = frames(reader)
      const texts = Array.from({ length: 20 }, (_, index) => `A0C2BB${String(index + 10)}`)
      for (const text of texts) await bench.frame(text)
      for (const text of texts) assert.equal(await next(events), payloadOf(bench, text))
    },
  },
  {
    name: 'events end when the reader is disposed',
    async run(bench) {
      const reader = await bench.open()
      const events = frames(reader)
      await bench.frame('A0C2BBCA')
      assert.equal(await next(events), payloadOf(bench, 'A0C2BBCA'))
      const pending = events.next()
      await reader[Symbol.asyncDispose]()
      assert.equal((await pending).done, true)
    },
  },
  {
    name: 'disposing twice, and together, is the same as once',
    async run(bench) {
      const reader = await bench.open()
      await Promise.all([reader[Symbol.asyncDispose](), reader[Symbol.asyncDispose]()])
      await reader[Symbol.asyncDispose]()
    },
  },
  {
    name: 'a disposed reader can be opened again at once',
    async run(bench) {
      for (let session = 0; session < 3; session += 1) {
        await using reader = await bench.open()
        const events = frames(reader)
        await bench.frame('A0C2BBCA')
        assert.equal(await next(events), payloadOf(bench, 'A0C2BBCA'))
      }
    },
  },
  {
    name: 'an open reader is busy for others',
    async run(bench) {
      await using reader = await bench.open()
      const events = frames(reader)
      await assert.rejects(bench.open(), hasCode('reader-busy'))
      // And is none the worse for it.
      await bench.frame('A0C2BBCA')
      assert.equal(await next(events), payloadOf(bench, 'A0C2BBCA'))
    },
  },
  {
    name: 'an unplug throws reader-unplugged, after what came before it',
    async run(bench) {
      await using reader = await bench.open()
      const events = frames(reader)
      await bench.frame('A0C2BBCA')
      assert.equal(await next(events), payloadOf(bench, 'A0C2BBCA'))
      const thrown = assert.rejects(events.next(), hasCode('reader-unplugged'))
      await bench.unplug()
      await thrown
    },
  },
  {
    name: 'opening an unplugged reader throws reader-not-found',
    async run(bench) {
      const reader = await bench.open()
      await bench.unplug()
      await reader[Symbol.asyncDispose]()
      await assert.rejects(bench.open(), hasCode('reader-not-found'))
    },
  },
  {
    name: 'nothing of an old session is in the new one',
    async run(bench) {
      {
        await using reader = await bench.open()
        const events = frames(reader)
        await bench.half()
        const thrown = assert.rejects(events.next(), hasCode('reader-unplugged'))
        await bench.unplug()
        await thrown
      }
      await bench.replug()
      await using reader = await bench.open()
      const events = frames(reader)
      await bench.frame('DEADBEEF')
      assert.equal(await next(events), payloadOf(bench, 'DEADBEEF'))
    },
  },
]

function payloadOf(bench: ReaderBench, text: string): string {
  return bench.payload?.(text) ?? text
}

async function* frames(reader: Reader): AsyncGenerator<string, void, undefined> {
  for await (const event of reader.events()) {
    if (event.type === 'frame') yield event.payload
  }
}

async function next(events: AsyncGenerator<string, void, undefined>): Promise<string> {
  const result = await events.next()
  return result.done === true ? assert.fail('the events ended') : result.value
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof AppError && error.code === code
}
