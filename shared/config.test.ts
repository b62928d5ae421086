import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type ConfigSources, environmentName, loadConfig } from './config.ts'
import { AppError } from './errors.ts'

const schema = z.object({
  serverUrl: z.string('must be a URL').default('none'),
  port: z.coerce.number('must be a number').int().default(1),
  reader: z.array(z.string()).default([]),
})

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'shared-config-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

function load(sources: Partial<ConfigSources>): Readonly<z.output<typeof schema>> {
  return loadConfig(schema, { flags: {}, env: {}, envPrefix: 'APP_', ...sources })
}

function file(content: string): string {
  const path = join(folder, `${String(Math.random())}.json`)
  writeFileSync(path, content)
  return path
}

function failure(sources: Partial<ConfigSources>): AppError {
  try {
    load(sources)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error('nothing was wrong')
}

test('each source wins over the ones before: defaults, file, environment, flags', () => {
  const path = file('{"serverUrl": "file", "port": 2, "reader": ["file"]}')
  expect(load({})).toEqual({ serverUrl: 'none', port: 1, reader: [] })
  expect(load({ file: path })).toEqual({ serverUrl: 'file', port: 2, reader: ['file'] })
  const env = { APP_SERVER_URL: 'env', APP_PORT: '3' }
  expect(load({ file: path, env })).toEqual({ serverUrl: 'env', port: 3, reader: ['file'] })
  const flags = { serverUrl: 'flag', port: undefined }
  expect(load({ file: path, env, flags })).toEqual({ serverUrl: 'flag', port: 3, reader: ['file'] })
})

test('an empty environment variable counts as not given', () => {
  expect(load({ env: { APP_PORT: '' } }).port).toBe(1)
})

test('other programs’ environment is none of ours', () => {
  expect(load({ env: { PORT: '9', OTHER_PORT: '9' } }).port).toBe(1)
})

test('settings are frozen', () => {
  expect(Object.isFrozen(load({}))).toBe(true)
})

test('every wrong setting is named with its value and source', () => {
  const path = file('{"serverUrl": 7, "speed": 1}')
  const error = failure({ file: path, env: { APP_PORT: 'x' }, flags: { reader: 'one' } })
  expect(error.code).toBe('config-invalid')
  expect(error.fields).toEqual([
    { field: 'speed', message: `is no setting (in ${path})` },
    { field: '--server-url', message: `must be a URL (7, from ${path})` },
    { field: '--port', message: 'must be a number ("x", from APP_PORT)' },
    { field: '--reader', message: expect.stringContaining('("one", from --reader)') as string },
  ])
  for (const { field, message } of error.fields) expect(error.message).toContain(`${field}: ${message}`)
})

test('an unknown key in the file is wrong even when all else is right', () => {
  expect(failure({ file: file('{"Port": 2}') }).fields.map(({ field }) => field)).toEqual(['Port'])
})

test.for(['[]', 'null', '"text"', '{', ''])('a file holding %j is refused', (content) => {
  expect(failure({ file: file(content) }).code).toBe('config-invalid')
})

test('a file that is not there is named', () => {
  expect(failure({ file: '/nowhere/app.json' }).message).toContain('/nowhere/app.json')
})

test.for([
  ['port', 'APP_PORT'],
  ['serverUrl', 'APP_SERVER_URL'],
  ['vltRateLimit', 'APP_VLT_RATE_LIMIT'],
] as const)('%s is read from %s', ([key, name]) => {
  expect(environmentName('APP_', key)).toBe(name)
})
