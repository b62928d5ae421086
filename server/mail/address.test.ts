import { expect, test } from 'vitest'
import { isMailAddress, parseSender } from './address.ts'

test.for([
  'ana@example.com',
  "o'brien+tag@sub.example.com",
  'a@b',
  'no-reply@localhost',
  'josé@ejemplo.es',
  'ana@españa.es',
])('%s is one address', (text) => {
  expect(isMailAddress(text)).toBe(true)
})

test.for([
  '',
  '@',
  'a@',
  '@b',
  'a@b@c',
  'a b@c',
  'a@b c',
  'a@b,c@d',
  'a@b;c@d',
  '<a@b>',
  'Ana <a@b>',
  'a@b\r\nBcc: c@d',
  'a@b\n',
  'a\0@b',
  'a\u{d800}@b',
  '"a b"@c',
  'a@[127.0.0.1]',
  'a@.b',
  'a@b.',
  `${'a'.repeat(65)}@b`,
  `a@${'b'.repeat(254)}`,
])('%j is not', (text) => {
  expect(isMailAddress(text)).toBe(false)
})

test.for<[string, ReturnType<typeof parseSender>]>([
  ['a@b.es', { name: '', address: 'a@b.es', domain: 'b.es' }],
  ['<a@b.es>', { name: '', address: 'a@b.es', domain: 'b.es' }],
  ['Lobby <a@b.es>', { name: 'Lobby', address: 'a@b.es', domain: 'b.es' }],
  ['"Lobby, Lima" <a@b.es>', { name: 'Lobby, Lima', address: 'a@b.es', domain: 'b.es' }],
  ['Salón <a@españa.es>', { name: 'Salón', address: 'a@españa.es', domain: 'xn--espaa-rta.es' }],
  ['Lobby', undefined],
  ['Lobby <a>', undefined],
  ['Lobby <a@b.es> x', undefined],
  ['Lobby\r\nBcc: c@d <a@b.es>', undefined],
  ['a@b.es, c@d.es', undefined],
  ['x <a@b.es>, y <c@d.es>', undefined],
])('the sender %j', ([text, sender]) => {
  expect(parseSender(text)).toEqual(sender)
})
