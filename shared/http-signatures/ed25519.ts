/** Ed25519 keys as JSON Web Keys (RFC 8037), named by their thumbprint (RFC 7638). */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject } from 'node:crypto'
import { z } from 'zod'

export const publicJwk = z
  .object({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    /** 32 bytes. */
    x: z.string().regex(/^[\w-]{42}[AEIMQUYcgkosw048]$/, 'must be 32 bytes in base64url'),
  })
  .meta({ description: 'Public Ed25519 key as a JSON Web Key (RFC 8037)' })

export const privateJwk = publicJwk.extend({ d: z.string() })

export type PublicJwk = z.output<typeof publicJwk>
export type PrivateJwk = z.output<typeof privateJwk>

export function newKey(): PrivateJwk {
  return privateJwk.parse(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }))
}

export function publicPart({ kty, crv, x }: PublicJwk): PublicJwk {
  return { kty, crv, x }
}

export function publicKeyOf(jwk: PublicJwk): KeyObject {
  return createPublicKey({ key: { ...publicPart(jwk) }, format: 'jwk' })
}

export function privateKeyOf(jwk: PrivateJwk): KeyObject {
  return createPrivateKey({ key: { ...jwk }, format: 'jwk' })
}

export function thumbprint({ crv, kty, x }: PublicJwk): string {
  return hash('sha256', JSON.stringify({ crv, kty, x }), 'base64url')
}

/** What two people compare: the start of the thumbprint in groups, without letters that look alike. */
export function fingerprint(jwk: PublicJwk): string {
  const hex = hash('sha256', thumbprint(jwk), 'hex').slice(0, 16).toUpperCase()
  return hex.replace(/(.{4})(?!$)/g, '$1-')
}
