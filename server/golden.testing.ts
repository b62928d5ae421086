import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Received } from './testbed.testing.ts'

/** One request and everything of its answer that a client can see. `setup` is what happened before. */
export interface Golden<Setup> {
  name: string
  setup?: Setup
  request: {
    method: string
    path: string
    headers: Record<string, string>
    body?: unknown
    rawBody?: string
    rawBodyBase64?: string
    /** A text and how often it stands in the body. */
    rawBodyRepeat?: [string, number]
  }
  answer: { status: number; headers: Record<string, unknown>; body: unknown }
}

/** The golden files of the folder `golden` beside the module. */
export function readGoldens<Setup>(module: string): Golden<Setup>[] {
  const folder = new URL('golden/', module)
  return readdirSync(folder).map(
    (file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden<Setup>,
  )
}

export function goldenBody({
  body,
  rawBody,
  rawBodyBase64,
  rawBodyRepeat,
}: Golden<unknown>['request']): string | Buffer {
  if (rawBodyBase64 !== undefined) return Buffer.from(rawBodyBase64, 'base64')
  if (rawBodyRepeat !== undefined) return rawBodyRepeat[0].repeat(rawBodyRepeat[1])
  return rawBody ?? (body === undefined ? '' : JSON.stringify(body))
}

/** What HTTP itself adds to every answer. */
const ofHttp = ['date', 'connection', 'keep-alive', 'content-length']

/** Compares byte for byte; `named` puts a name where the answer holds, in the right form, what is new each time. */
export function expectGolden(
  received: Received,
  { request, answer }: Golden<unknown>,
  named: (text: string) => string = (text) => text,
): void {
  const headers = Object.entries(received.headers)
    .filter(([name]) => !ofHttp.includes(name))
    .map(([name, value]) => [name, typeof value === 'string' ? named(value) : value])
  expect(named(received.body)).toBe(answer.body === null ? '' : JSON.stringify(answer.body))
  expect(received.status).toBe(answer.status)
  expect(Object.fromEntries(headers)).toEqual(answer.headers)
  if (request.method !== 'HEAD') {
    expect(received.headers['content-length']).toBe(String(Buffer.byteLength(received.body)))
  }
}
