import { createPrivateKey, createPublicKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { contentDigest, matchesDigest } from './content-digest.ts'
import { fingerprint, newKey, privateKeyOf, publicJwk, publicKeyOf, thumbprint } from './ed25519.ts'
import { findSignature, type Signable, signMessage, verifySignature } from './signature.ts'

// RFC 9421, appendix B.1.4.
const publicKey = createPublicKey(`-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----`)
const privateKey = createPrivateKey(`-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----`)

// B.2 and B.2.6.
const message: Signable = {
  method: 'POST',
  authority: 'example.com',
  path: '/foo',
  headers: {
    date: 'Tue, 20 Apr 2021 02:07:55 GMT',
    'content-type': 'application/json',
    'content-length': '18',
  },
}
const covered = ['date', '@method', '@path', '@authority', 'content-type', 'content-length']
const parameters = { created: 1_618_884_473, keyid: 'test-key-ed25519' }
const signed = {
  'signature-input':
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")' +
    ';created=1618884473;keyid="test-key-ed25519"',
  signature:
    'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:',
}

const verifies = (changed: Partial<Signable>, headers: Record<string, string | undefined> = {}): boolean => {
  const whole = { ...message, ...changed, headers: { ...message.headers, ...signed, ...headers } }
  const found = findSignature(whole.headers, 'sig-b26')
  return found !== undefined && verifySignature(whole, found, publicKey)
}

test('the signature of RFC 9421, B.2.6, is made and believed', () => {
  expect(signMessage(message, covered, [{ label: 'sig-b26', privateKey, parameters }])).toEqual(signed)
  expect(findSignature(signed, 'sig-b26')).toMatchObject({ components: covered, keyId: 'test-key-ed25519' })
  expect(verifies({})).toBe(true)
})

test.each<[string, Partial<Signable>, Record<string, string | undefined>]>([
  ['another method', { method: 'PUT' }, {}],
  ['another path', { path: '/foo2' }, {}],
  ['another host', { authority: 'example.org' }, {}],
  ['another header', {}, { 'content-type': 'text/plain' }],
  ['a header that is gone', {}, { date: undefined }],
  ['another component list', {}, { 'signature-input': signed['signature-input'].replace('"date" ', '') }],
  ['another key id', {}, { 'signature-input': signed['signature-input'].replace('ed25519"', 'rsa"') }],
  ['another signature', {}, { signature: signed.signature.replace('wqcA', 'wqcB') }],
  ['a signature of another label', {}, { signature: signed.signature.replace('sig-b26', 'sig') }],
  ['no signature', {}, { signature: undefined }],
  ['text that is no field', {}, { 'signature-input': 'sig-b26=(' }],
])('%s is not believed', (_name, changed, headers) => {
  expect(verifies(changed, headers)).toBe(false)
})

test('spaces around a header and letters of the host make no difference', () => {
  expect(verifies({ authority: 'EXAMPLE.com' }, { 'content-type': ' application/json ' })).toBe(true)
})

test('components with parameters, and twice the same, are not read', () => {
  for (const list of ['("date";sf)', '("date" "date")', '(1)', '"date"']) {
    const headers = { 'signature-input': `a=${list};keyid="k"`, signature: 'a=:AAAA:' }
    expect(findSignature(headers, 'a'), list).toBeUndefined()
  }
})

test('a component that the message lacks cannot be signed', () => {
  expect(() => signMessage(message, ['digest'], [{ label: 'a', privateKey, parameters }])).toThrow('missing')
})

test('keys go over the wire as JWKs, and are named by them', () => {
  // RFC 8037, appendix A.3.
  const jwk = publicJwk.parse({
    kty: 'OKP',
    crv: 'Ed25519',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  })
  expect(thumbprint(jwk)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  expect(fingerprint(jwk)).toMatch(/^[0-9A-F]{4}(-[0-9A-F]{4}){3}$/)
  const key = newKey()
  const own = signMessage(message, covered, [{ label: 'a', privateKey: privateKeyOf(key), parameters }])
  const found = findSignature(own, 'a')
  expect(found && verifySignature(message, found, publicKeyOf(key))).toBe(true)
  expect(publicJwk.safeParse({ ...jwk, x: jwk.x.slice(1) }).success).toBe(false)
})

test('a digest is that of the body alone', () => {
  // RFC 9530, appendix B.
  const body = '{"hello": "world"}\n'
  const digest = 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:'
  expect(contentDigest(body)).toBe(digest)
  expect(matchesDigest(digest, Buffer.from(body))).toBe(true)
  expect(matchesDigest(`sha-512=:AAAA:, ${digest}`, Buffer.from(body))).toBe(true)
  for (const [header, bytes] of [
    [digest, '{"hello": "world"}'],
    ['sha-512=:AAAA:', body],
    [undefined, body],
    ['sha-256="x"', body],
    ['=', body],
  ] as const) {
    expect(matchesDigest(header, Buffer.from(bytes)), header).toBe(false)
  }
})
