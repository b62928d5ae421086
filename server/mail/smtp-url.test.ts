import { expect, test } from 'vitest'
import { isLoopback, readSmtpUrl } from './smtp-url.ts'

test.for<[string, ReturnType<typeof readSmtpUrl>]>([
  ['smtp://mail.es', { host: 'mail.es', port: 587, implicitTls: false, login: undefined }],
  ['smtp://mail.es:25/', { host: 'mail.es', port: 25, implicitTls: false, login: undefined }],
  ['smtps://mail.es', { host: 'mail.es', port: 465, implicitTls: true, login: undefined }],
  ['smtp://[::1]:25', { host: '::1', port: 25, implicitTls: false, login: undefined }],
  [
    'smtp://a%40b.es:p%3A%2F@mail.es',
    { host: 'mail.es', port: 587, implicitTls: false, login: { user: 'a@b.es', pass: 'p:/' } },
  ],
  ['smtp://user@mail.es', undefined],
  ['smtp://:pass@mail.es', undefined],
  ['smtp://a:%zz@mail.es', undefined],
  ['smtp://mail.es/path', undefined],
  ['smtp://mail.es?tls.rejectUnauthorized=false', undefined],
  ['smtp://mail.es#x', undefined],
  ['smtp://', undefined],
  ['http://mail.es', undefined],
  ['mail.es', undefined],
])('%s', ([text, server]) => {
  expect(readSmtpUrl(text)).toEqual(server)
})

test.for<[string, boolean]>([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.8.0.1', true],
  ['::1', true],
  ['127.0.0.1.example.com', false],
  ['localhost.example.com', false],
  ['10.0.0.1', false],
  ['mail.es', false],
])('%s never leaves this machine: %s', ([host, expected]) => {
  expect(isLoopback(host)).toBe(expected)
})
