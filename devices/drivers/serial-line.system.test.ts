import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readlink, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../shared/errors.ts'
import { readerConformance, type ReaderBench } from '../reader-conformance.testing.ts'
import type { Reader } from '../reader.ts'
import { listen, readerContext, shortEvent, superviseAlone } from '../session.testing.ts'
import { readReaderSpec } from '../spec.ts'
import { PseudoTerminal } from '../transports/pseudo-terminal.testing.ts'

const context = readerContext()

async function openReader(path: string, query = ''): Promise<Reader> {
  const { driver, options } = await readReaderSpec(`serial-line:${path}${query}`)
  return driver.open(options, context)
}

async function supervise(path: string, query = '') {
  return superviseAlone(await readReaderSpec(`serial-line:${path}${query}`))
}

describe('the serial-line reader keeps the promises of every reader', () => {
  test.each(readerConformance)('$name', async ({ run }) => {
    await using line = await PseudoTerminal.create()
    const bench: ReaderBench = {
      open: () => openReader(line.path),
      frame: (text) => line.write(`${text}\r\n`),
      half: () => line.write('04A224'),
      unplug: () => line.unplug(),
      replug: () => line.replug(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
    await run(bench)
  })
})

describe('bytes on a real line become taps', () => {
  test.each([
    ['any', '\r'],
    ['any', '\n'],
    ['any', '\r\n'],
    ['cr', '\r'],
    ['cr', '\r\n'],
    ['lf', '\n'],
    ['lf', '\r\n'],
    ['crlf', '\r\n'],
  ])('with terminator=%s, ended by %j', async (terminator, end) => {
    await using line = await PseudoTerminal.create()
    await using reader = await supervise(line.path, `?terminator=${terminator}`)
    await expect.poll(() => reader.supervisor.status.state, { timeout: 5_000 }).toBe('ready')
    await line.write(`A0C2BBCA${end}`)
    await line.write(`de ad be ef${end}`)
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['A0C2BBCA', 'DEADBEEF'])
    expect(reader.supervisor.status.rejected).toEqual({})
  })

  test('one byte at a time, as slowly as 1200 baud', async () => {
    await using line = await PseudoTerminal.create()
    await using reader = await supervise(line.path, '?idleResetMs=2000')
    await expect.poll(() => reader.supervisor.status.state, { timeout: 5_000 }).toBe('ready')
    for (const byte of '04A224F1B25C80\r\n') {
      await line.write(byte)
      await delay(8)
    }
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['04A224F1B25C80'])
  })

  test('and lines that are none become rejections', async () => {
    await using line = await PseudoTerminal.create()
    await using reader = await supervise(line.path)
    await expect.poll(() => reader.supervisor.status.state, { timeout: 5_000 }).toBe('ready')
    await line.write(`${'A'.repeat(3_000)}\rA0C2BBC\rA0C2\xff\rA0C2\r`)
    await line.write('DEADBEEF\r')
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['DEADBEEF'])
    expect(reader.supervisor.status.rejected).toEqual({
      'frame-too-long': 1,
      'uid-odd-length': 1,
      'frame-garbled': 1,
      'uid-length': 1,
    })
  })

  test('in order and whole for a consumer that is slow', async () => {
    await using line = await PseudoTerminal.create()
    await using reader = await openReader(line.path)
    const sent = Array.from({ length: 100 }, (_, index) => `A0C2BB${String(index).padStart(2, '0')}`)
    void line.write(sent.map((text) => `${text}\r`).join(''))
    const seen: string[] = []
    for await (const event of reader.events()) {
      await delay(10)
      seen.push(shortEvent(event))
      if (seen.length === sent.length) break
    }
    expect(seen).toEqual(sent)
  })
})

describe('an unplug', () => {
  test('is noticed within a second though nobody writes', async () => {
    await using line = await PseudoTerminal.create()
    await using reader = await openReader(line.path)
    const { ended } = listen(reader)
    await delay(100)
    const pulledMs = performance.now()
    await line.unplug()
    expect(await ended).toMatchObject({ code: 'reader-unplugged' })
    expect(performance.now() - pulledMs).toBeLessThan(1_000)
  })

  test('is noticed when only the name is gone, or leads to another device', async () => {
    await using line = await PseudoTerminal.create()
    await using reader = await openReader(line.path)
    const { ended } = listen(reader)
    expect(await readlink(line.path)).toMatch(/^\/dev\/pts\//)
    await rm(line.path)
    expect(await ended).toMatchObject({ code: 'reader-unplugged' })
  })

  test('in the middle of a frame leaves nothing behind: after the replug the next card is exactly itself', async () => {
    await using line = await PseudoTerminal.create()
    await using reader = await supervise(line.path)
    await expect.poll(() => reader.supervisor.status.state, { timeout: 5_000 }).toBe('ready')
    await line.write('04A224')
    await delay(50)
    await line.unplug()
    await expect.poll(() => reader.supervisor.status.state, { timeout: 2_000 }).toBe('absent')

    const replugged = performance.now()
    await line.replug()
    await expect.poll(() => reader.supervisor.status.state, { timeout: 5_000 }).toBe('ready')
    expect(performance.now() - replugged).toBeLessThan(3_000)
    await line.write('DEADBEEF\r')
    await expect.poll(reader.uids, { timeout: 5_000 }).toEqual(['DEADBEEF'])
    expect(reader.supervisor.status).toMatchObject({ opens: 2, taps: 1, rejected: { 'frame-incomplete': 1 } })
  })

  test('is survived again and again', { timeout: 120_000 }, async () => {
    await using line = await PseudoTerminal.create()
    await using reader = await supervise(line.path, '?presenceGapMs=0&cooldownMs=0')
    for (let round = 1; round <= 5; round += 1) {
      await expect.poll(() => reader.supervisor.status.opens, { timeout: 5_000 }).toBe(round)
      await expect.poll(() => reader.supervisor.status.state, { timeout: 5_000 }).toBe('ready')
      await line.write('A0C2BBCA\r')
      await expect.poll(() => reader.uids().length, { timeout: 5_000 }).toBe(round)
      await line.unplug()
      await line.replug()
    }
  })
})

describe('opening', () => {
  test('throws away the tail of a frame that was under way', async () => {
    await using line = await PseudoTerminal.create()
    const opening = openReader(line.path)
    for (const byte of '04A224F1B25C80\r') {
      await line.write(byte)
      await delay(15)
    }
    await using reader = await opening
    const { texts } = listen(reader)
    await line.write('DEADBEEF\r')
    await expect.poll(() => texts, { timeout: 5_000 }).toEqual(['DEADBEEF'])
  })

  test('throws away what waited in the buffers', async () => {
    await using line = await PseudoTerminal.create()
    await line.write('A0C2BBCA\rDEADBE')
    await delay(50)
    await using reader = await openReader(line.path)
    const { texts } = listen(reader)
    await line.write('EFEFEFEF\r')
    await expect.poll(() => texts, { timeout: 5_000 }).toEqual(['EFEFEFEF'])
  })

  test('a line that never stops sending is a fault', async () => {
    await using line = await PseudoTerminal.create()
    const flood = spawn('sh', ['-c', `yes UUUU | tr -d '\\n' > '${line.farPath}'`], {
      stdio: 'ignore',
      detached: true,
    })
    try {
      await delay(200)
      await expect(openReader(line.path)).rejects.toMatchObject({ code: 'reader-failed' })
    } finally {
      await end(flood)
    }
  })

  test('a port that another program has locked is busy, and opens when that program ends', async () => {
    await using line = await PseudoTerminal.create()
    const holder = spawn('flock', ['--exclusive', '--no-fork', line.path, 'sleep', '60'], {
      stdio: 'ignore',
      detached: true,
    })
    try {
      await expect
        .poll(() => openReader(line.path).then((reader) => reader[Symbol.asyncDispose](), codeOf), {
          timeout: 5_000,
        })
        .toBe('reader-busy')
    } finally {
      await end(holder)
    }
    await using reader = await openReader(line.path)
    const { texts } = listen(reader)
    await line.write('A0C2BBCA\r')
    await expect.poll(() => texts, { timeout: 5_000 }).toEqual(['A0C2BBCA'])
  })

  test('can be given up, and leaves the port free', async () => {
    await using line = await PseudoTerminal.create()
    const stop = new AbortController()
    const { driver, options } = await readReaderSpec(`serial-line:${line.path}`)
    const opening = driver.open(options, { ...context, signal: stop.signal })
    await delay(30)
    stop.abort()
    await expect(opening).rejects.toBeInstanceOf(AppError)
    await (await openReader(line.path))[Symbol.asyncDispose]()
  })
})

/** Ends a program and what it started, by their process group. */
async function end(program: ChildProcess): Promise<void> {
  const exit = once(program, 'exit')
  process.kill(-Number(program.pid), 'SIGTERM')
  await exit
}

function codeOf(error: unknown): string {
  return error instanceof AppError ? error.code : String(error)
}
