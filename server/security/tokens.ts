import { createHmac } from 'node:crypto'
import { jwtVerify, type JWTPayload } from 'jose'
import type { Clock } from '../../shared/clock.ts'
import type { NamedKey } from './keyring.ts'

/** How long a token is valid, in seconds: the eight hours of the API documents. */
export const tokenLifetimeSeconds = 28_800

export interface Tokens {
  /** A JWT with these claims in this order, then `iat` and `exp`. At once: may be awaited inside a transaction. */
  sign(claims: JWTPayload): Promise<string>
  /** Its claims, or undefined for a token that is not ours, was changed, or is over. */
  verify(token: string): Promise<JWTPayload | undefined>
}

// Signed by the newest key; the one before it is still believed, so that a rotation logs nobody out.
export const believedKeys = 2

/** JWTs signed with HS256 (RFC 7519), the key named by `kid`. */
export function createTokens(keys: NamedKey[], clock: Clock): Tokens {
  const believed = new Map(keys.slice(0, believedKeys).map(({ id, key }) => [id, key]))
  const [newest] = keys
  if (newest === undefined) throw new Error('a keyring has at least one token key')

  return {
    sign(claims) {
      const issuedAt = Math.floor(Date.parse(clock.now()) / 1000)
      const header = { alg: 'HS256', typ: 'JWT', kid: newest.id }
      const payload = { ...claims, iat: issuedAt, exp: issuedAt + tokenLifetimeSeconds }
      const text = `${encoded(header)}.${encoded(payload)}`
      // Not by a worker thread, as jose would: these are busy with passwords, and the transaction would wait for them.
      const signature = createHmac('sha256', newest.key).update(text).digest('base64url')
      return Promise.resolve(`${text}.${signature}`)
    },
    async verify(token) {
      try {
        const { payload } = await jwtVerify(
          token,
          ({ kid }) => {
            const key = believed.get(kid ?? '')
            if (key === undefined) throw new Error('signed with a key that is not believed')
            return key
          },
          { algorithms: ['HS256'], currentDate: new Date(clock.now()) },
        )
        return payload
      } catch {
        return undefined
      }
    },
  }
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
