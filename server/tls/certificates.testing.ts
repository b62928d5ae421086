import {
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  randomBytes,
  sign,
} from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface TestCertificate {
  /** PEM. */
  cert: string
  key: string
  keyObject: KeyObject
}

/** A self-signed certificate of this machine under its loopback names, made on the spot (X.509, RFC 5280). */
export function selfSigned(
  valid: { from?: string; until?: string } = {},
  { publicKey, privateKey }: KeyPairKeyObjectResult = generateKeyPairSync('ec', { namedCurve: 'P-256' }),
): TestCertificate {
  const { from = '2020-01-01T00:00:00.000Z', until = '2120-01-01T00:00:00.000Z' } = valid
  const name = sequence(set(sequence(oid.commonName, der(0x0c, Buffer.from('vlt test')))))
  const signature =
    privateKey.asymmetricKeyType === 'rsa'
      ? sequence(oid.rsaWithSha256, der(0x05))
      : sequence(oid.ecdsaWithSha256)
  const names = sequence(
    der(0x82, Buffer.from('localhost')),
    der(0x87, Buffer.from([127, 0, 0, 1])),
    der(0x87, Buffer.from([...new Uint8Array(15), 1])),
  )
  const extensions = sequence(
    sequence(oid.subjectAltName, der(0x04, names)),
    sequence(oid.basicConstraints, der(0x04, sequence(der(0x01, Buffer.from([0xff]))))),
  )
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    signature,
    name,
    sequence(time(from), time(until)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  )
  const proof = sign('sha256', body, privateKey)
  const whole = sequence(body, signature, der(0x03, Buffer.concat([Buffer.from([0]), proof])))
  const lines = whole.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    keyObject: privateKey,
  }
}

/** The files that --tls-cert and --tls-key name. */
export function writeCertificate(
  folder: string,
  { cert, key }: Pick<TestCertificate, 'cert' | 'key'>,
): { tlsCert: string; tlsKey: string } {
  mkdirSync(folder, { recursive: true })
  const tlsCert = join(folder, 'cert.pem')
  const tlsKey = join(folder, 'key.pem')
  writeFileSync(tlsCert, cert)
  writeFileSync(tlsKey, key, { mode: 0o600 })
  return { tlsCert, tlsKey }
}

/** Tag, length, value: ITU-T X.690. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const value = Buffer.concat(parts)
  const { length } = value
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), value])
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts)
const set = (...parts: Buffer[]): Buffer => der(0x31, ...parts)
const time = (iso: string): Buffer => der(0x18, Buffer.from(`${iso.slice(0, 19).replace(/[-:T]/g, '')}Z`))

const oid = {
  commonName: der(0x06, Buffer.from([0x55, 0x04, 0x03])),
  subjectAltName: der(0x06, Buffer.from([0x55, 0x1d, 0x11])),
  basicConstraints: der(0x06, Buffer.from([0x55, 0x1d, 0x13])),
  rsaWithSha256: der(0x06, Buffer.from([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b])),
  ecdsaWithSha256: der(0x06, Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])),
}
