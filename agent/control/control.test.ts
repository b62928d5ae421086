import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AppError } from '../../shared/errors.ts'
import { createLog } from '../../shared/log.ts'
import { untilAborted } from '../../shared/until-aborted.ts'
import { call } from './client.ts'
import { socketPath } from './protocol.ts'
import { openControlServer, type Handlers } from './server.ts'

let folder: string
let path: string
const log = createLog('test', 'error')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'control-'))
  path = socketPath(folder)
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const open = (handlers: Handlers) => openControlServer(path, handlers, log)
const withCode = (code: string) => expect.objectContaining({ code }) as unknown as Error

test('a call is answered, with events on the way', async () => {
  await using _server = await open({
    add: (params, { emit }) => {
      emit('adding')
      const { a, b } = params as { a: number; b: number }
      return a + b
    },
  })
  const events: unknown[] = []
  expect(await call(path, 'add', { a: 1, b: 2 }, { onEvent: (event) => events.push(event) })).toBe(3)
  expect(events).toEqual(['adding'])
})

test('an answer of many megabytes arrives whole', async () => {
  const rows = Array.from({ length: 50_000 }, (_, index) => ({ index, text: 'x'.repeat(200) }))
  await using _server = await open({ export: () => rows })
  expect(await call(path, 'export')).toEqual(rows)
})

test('an error keeps its code and its fields', async () => {
  await using _server = await open({
    fail: () => {
      throw new AppError('input-invalid', 'no', { fields: [{ field: 'correo', message: 'wrong' }] })
    },
  })
  await expect(call(path, 'fail')).rejects.toMatchObject({
    code: 'input-invalid',
    fields: [{ field: 'correo', message: 'wrong' }],
  })
  await expect(call(path, 'nonsense')).rejects.toThrow(withCode('usage'))
})

test('nonsense on the socket harms nobody', async () => {
  await using _server = await open({ ping: () => 'pong' })
  const socket = connect(path)
  socket.write('this is not JSON\n')
  expect(await text(socket)).toContain('"error"')
  expect(await call(path, 'ping')).toBe('pong')
})

test('a caller that hangs up cancels its call', async () => {
  const cancelled = Promise.withResolvers<string>()
  await using _server = await open({
    wait: async (_params, { signal, emit }) => {
      emit('waiting')
      await untilAborted(signal)
      cancelled.resolve('cancelled')
    },
  })
  const hangUp = new AbortController()
  const waiting = call(
    path,
    'wait',
    {},
    {
      onEvent: () => {
        hangUp.abort()
      },
      signal: hangUp.signal,
    },
  )
  await expect(waiting).rejects.toThrow()
  expect(await cancelled.promise).toBe('cancelled')
})

test('a caller that has stopped reading is let go, rather than kept in memory', async () => {
  const sent = Promise.withResolvers<number>()
  await using _server = await open({
    flood: async (_params, { signal, emit }) => {
      let events = 0
      for (; events < 2_000 && !signal.aborted; events += 1) {
        emit('x'.repeat(10_000))
        await setImmediate()
      }
      sent.resolve(events)
    },
  })
  const socket = connect(path)
  socket.write('{"method":"flood","params":{}}\n')
  expect(await sent.promise).toBeLessThan(500)
  socket.destroy()
})

test('a stop tells those who wait how things stand, and leaves no caller hanging', async () => {
  const server = await open({
    outcome: async (_params, { signal, emit }) => {
      emit('waiting')
      await untilAborted(signal)
      return 'saved'
    },
    stuck: async (_params, { emit }) => {
      emit('waiting')
      await new Promise(() => undefined)
    },
  })
  const both = Promise.withResolvers<undefined>()
  let waiting = 0
  const onEvent = (): void => {
    if (++waiting === 2) both.resolve(undefined)
  }
  const outcome = call(path, 'outcome', {}, { onEvent })
  const stuck = call(path, 'stuck', {}, { onEvent })
  const stuckEnds = expect(stuck).rejects.toThrow(withCode('agent-stopping'))
  await both.promise
  await server[Symbol.asyncDispose]()
  expect(await outcome).toBe('saved')
  await stuckEnds
})

test('without an agent the call says so; a socket left by a killed one is no obstacle', async () => {
  await expect(call(path, 'ping')).rejects.toThrow(withCode('agent-unreachable'))
  writeFileSync(path, '')
  await using _server = await open({ ping: () => 'pong' })
  expect(await call(path, 'ping')).toBe('pong')
  expect(statSync(path).mode & 0o077).toBe(0)
})

test('a data folder too deep for a socket is refused with its path', async () => {
  await expect(openControlServer(join('/tmp', 'x'.repeat(120), 'agent.sock'), {}, log)).rejects.toThrow(
    withCode('data-folder-unusable'),
  )
  expect(existsSync(path)).toBe(false)
})
