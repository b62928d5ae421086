import { describe, expect, test } from 'vitest'
import { classify, type Response } from './classify.ts'

const answer = (status: number, headers: Record<string, string> = {}, body = ''): Response => ({
  kind: 'answer',
  status,
  headers,
  body,
})
const receipt = { id: 11, tarjeta: 'A0C2BBCA', mensaje: 'cliente nuevo', esDuplicado: false }

test.each([200, 201])('%i with the documented body is delivered', (status) => {
  expect(classify(answer(status, {}, JSON.stringify(receipt)))).toEqual({
    kind: 'delivered',
    receipt: JSON.stringify(receipt),
  })
})

test('another wording of the outcome is a receipt too', () => {
  const reworded = { ...receipt, mensaje: 'cliente registrado', extra: 1 }
  expect(classify(answer(201, {}, JSON.stringify(reworded)))).toMatchObject({ kind: 'delivered' })
})

test.each([
  ['a login page', 200, '<html>Welcome to the hotel</html>'],
  ['an empty body', 201, ''],
  ['another JSON', 200, '{"ok":true}'],
  ['a cut off body', 201, JSON.stringify(receipt).slice(0, 20)],
  ['no content', 204, ''],
  ['a redirect', 302, ''],
])('%s is no receipt: the registration is kept', (_name, status, body) => {
  expect(classify(answer(status, {}, body))).toMatchObject({
    kind: 'retry',
    error: 'server-unexpected-answer',
  })
})

test.each([
  [400, 'dead', 'rejected-invalid'],
  [422, 'dead', 'rejected-invalid'],
  [413, 'dead', 'rejected-too-large'],
  [409, 'dead', 'rejected-conflict'],
  [401, 'pause', 'server-refuses-us'],
  [403, 'pause', 'server-refuses-us'],
  [404, 'pause', 'endpoint-missing'],
  [405, 'pause', 'endpoint-missing'],
  [408, 'retry', 'server-unexpected-answer'],
  [429, 'retry', 'rate-limited'],
  [500, 'retry', 'server-failed'],
  [502, 'retry', 'server-failed'],
  [503, 'retry', 'server-unavailable'],
  [504, 'retry', 'server-failed'],
  [599, 'retry', 'server-failed'],
])('%i is %s: %s', (status, kind, error) => {
  expect(classify(answer(status))).toMatchObject({ kind, error })
})

test('409 for a key that is still being answered is tried again', () => {
  expect(classify(answer(409, { 'idempotency-key-state': 'in-progress', 'retry-after': '1' }))).toEqual({
    kind: 'retry',
    error: 'request-in-progress',
    suspect: true,
    waitMs: 1000,
  })
})

test.each([
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'EPROTO',
  'ERR_SSL_WRONG_VERSION_NUMBER',
])('the TLS failure %s pauses', (code) => {
  expect(classify({ kind: 'failure', code, sent: false })).toEqual({ kind: 'pause', error: 'server-tls' })
})

test('a request that never left is no suspect, one that may have arrived is', () => {
  expect(classify({ kind: 'failure', code: 'ECONNREFUSED', sent: false })).toMatchObject({ suspect: false })
  expect(classify({ kind: 'failure', code: 'UND_ERR_HEADERS_TIMEOUT', sent: true })).toMatchObject({
    suspect: true,
  })
})

describe('how long the server asks to wait', () => {
  const date = 'Fri, 20 Nov 2026 10:00:00 GMT'
  const epoch = Date.parse(date) / 1000

  test.each<[string, Record<string, string>, number | undefined]>([
    ['seconds', { 'retry-after': '17' }, 17_000],
    [
      'a date, against the date of the answer',
      { date, 'retry-after': 'Fri, 20 Nov 2026 10:00:30 GMT' },
      30_000,
    ],
    ['a date that has passed', { date, 'retry-after': 'Fri, 20 Nov 2026 09:00:00 GMT' }, 0],
    [
      'a date without anything to measure it by',
      { 'retry-after': 'Fri, 20 Nov 2026 10:00:30 GMT' },
      undefined,
    ],
    ['the end of the rate limit window', { date, 'x-ratelimit-reset': String(epoch + 42) }, 42_000],
    [
      'Retry-After before the window',
      { date, 'retry-after': '5', 'x-ratelimit-reset': String(epoch + 42) },
      5_000,
    ],
    ['a year is cut to an hour', { 'retry-after': '31536000' }, 3_600_000],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['nothing', {}, undefined],
  ])('%s', (_name, headers, waitMs) => {
    const verdict = classify(answer(429, headers))
    expect('waitMs' in verdict ? verdict.waitMs : undefined).toBe(waitMs)
  })
})
