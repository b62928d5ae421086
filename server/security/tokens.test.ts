import { createHmac } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { handClock } from '../testbed.testing.ts'
import { newKey } from './keyring.ts'
import { createTokens, tokenLifetimeSeconds } from './tokens.ts'

/** Payload of the sample in the API document. */
const sample =
  'eyJ1c3VhcmlvX2lkIjoxLCJ1c3VhcmlvX2xvZ2luIjoiam9obmRvZSIsInVzdWFyaW9fY29ycmVvIjoiam9obkBleGFtcGxlLmNvbSIsInVzdWFyaW9fbm9tYnJlIjoiSm9obiIsInVzdWFyaW9fYXBlbGxpZG8iOiJEb2UiLCJkZXBhcnRhbWVudG9faWQiOjUsInVzdWFyaW9fY2VsdWxhciI6IjEyMzQ1Njc4IiwiaWF0IjoxNjg5MjYzNjAwLCJleHAiOjE2ODkyOTI0MDB9'
const claims = {
  usuario_id: 1,
  usuario_login: 'johndoe',
  usuario_correo: 'john@example.com',
  usuario_nombre: 'John',
  usuario_apellido: 'Doe',
  departamento_id: 5,
  usuario_celular: '12345678',
}
const sampleTime = new Date(1_689_263_600_000).toISOString()

const keys = [newKey('t'), newKey('t'), newKey('t')] as const
const [newest, second, third] = keys

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const signed = (header: object, payload: object, key: Buffer, hash = 'sha256') => {
  const text = `${encoded(header)}.${encoded(payload)}`
  return `${text}.${createHmac(hash, key).update(text).digest('base64url')}`
}

test('the payload of the sample comes out byte for byte, behind a header that also names the key', async () => {
  const token = await createTokens([...keys], handClock(sampleTime)).sign(claims)
  const [header = '', payload = ''] = token.split('.')
  expect(payload).toBe(sample)
  expect(Buffer.from(header, 'base64url').toString()).toBe(`{"alg":"HS256","typ":"JWT","kid":"${newest.id}"}`)
})

test('another program can check a token with the key', async () => {
  const token = await createTokens([...keys], handClock(sampleTime)).sign(claims)
  const { payload, protectedHeader } = await jwtVerify(token, newest.key, {
    currentDate: new Date(sampleTime),
    algorithms: ['HS256'],
  })
  expect(protectedHeader.kid).toBe(newest.id)
  expect(payload).toEqual({ ...claims, iat: 1_689_263_600, exp: 1_689_292_400 })
})

test('a token holds for eight hours to the second', async () => {
  const clock = handClock()
  const tokens = createTokens([...keys], clock)
  const token = await tokens.sign(claims)
  expect(await tokens.verify(token)).toMatchObject(claims)
  clock.advance((tokenLifetimeSeconds - 1) * 1000)
  expect(await tokens.verify(token)).toMatchObject(claims)
  clock.advance(1_000)
  expect(await tokens.verify(token)).toBeUndefined()
})

test('the newest key and the one before it are believed, and no other', async () => {
  const clock = handClock()
  const sign = (from: number) => createTokens(keys.slice(from), clock).sign(claims)
  const tokens = createTokens([...keys], clock)
  expect(await tokens.verify(await sign(0))).toBeDefined()
  expect(await tokens.verify(await sign(1))).toBeDefined()
  expect(await tokens.verify(await sign(2))).toBeUndefined()
  expect(third.id).not.toBe(second.id)
})

test('no letter of a token can be changed', async () => {
  const tokens = createTokens([...keys], handClock())
  const token = await tokens.sign(claims)
  // The last letter carries two bits that mean nothing.
  for (let place = 0; place < token.length - 1; place += 1) {
    const other = token[place] === 'A' ? 'B' : 'A'
    const changed = token.slice(0, place) + other + token.slice(place + 1)
    expect(await tokens.verify(changed), `letter ${String(place)}`).toBeUndefined()
  }
})

test('tokens signed in any other way are not believed', async () => {
  const clock = handClock()
  const tokens = createTokens([...keys], clock)
  const iat = Math.floor(Date.parse(clock.now()) / 1000)
  const payload = { ...claims, iat, exp: iat + 60 }
  const header = { alg: 'HS256', typ: 'JWT', kid: newest.id }
  expect(await tokens.verify(signed(header, payload, newest.key))).toBeDefined()

  const wrong = [
    signed({ ...header, kid: second.id }, payload, newest.key),
    signed({ ...header, kid: undefined }, payload, newest.key),
    signed({ ...header, kid: 'unknown' }, payload, newest.key),
    signed({ ...header, alg: 'HS512' }, payload, newest.key, 'sha512'),
    signed(header, payload, Buffer.alloc(32)),
    `${encoded({ ...header, alg: 'none' })}.${encoded(payload)}.`,
    signed(header, { ...payload, exp: iat }, newest.key),
    await new SignJWT(payload).setProtectedHeader({ alg: 'HS384', kid: newest.id }).sign(newest.key),
    `${encoded(header)}.${encoded(payload)}`,
    '',
    '..',
    'x.y.z',
    'null',
  ]
  for (const token of wrong) expect(await tokens.verify(token), token).toBeUndefined()
})
