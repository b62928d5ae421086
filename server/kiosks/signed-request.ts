import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import {
  challengeHeader,
  sequenceHeader,
  signatureLabel,
  signatureTag,
  signedComponents,
} from '../../shared/contracts/kiosk-sync.ts'
import { matchesDigest } from '../../shared/http-signatures/content-digest.ts'
import { type PublicJwk, publicKeyOf } from '../../shared/http-signatures/ed25519.ts'
import { findSignature, type Signable, verifySignature } from '../../shared/http-signatures/signature.ts'
import { rawBody } from '../plugins/request-body.ts'
import type { Counted } from './sequence.ts'

const wholeNumber = /^(?:0|[1-9]\d{0,15})$/

/** Who is said to have signed, by the thumbprint of the key; undefined where the signature covers too little. */
export function claimedKey(request: FastifyRequest, label = signatureLabel): string | undefined {
  const found = findSignature(headersOf(request), label)
  if (found?.tag !== signatureTag) return undefined
  const challenged = request.headers[challengeHeader] !== undefined
  const needed = challenged ? [...signedComponents, challengeHeader] : signedComponents
  return needed.every((name) => found.components.includes(name)) ? found.keyId : undefined
}

/**
 * Whether this key signed the request. The address that was signed is the one the kiosk knows the server by: a proxy
 * may have taken a prefix away or put another host, so that of `publicUrl` counts as much as the one that came.
 */
export function isSignedBy(
  request: FastifyRequest,
  x: PublicJwk['x'],
  publicUrl: string,
  label = signatureLabel,
): boolean {
  const headers = headersOf(request)
  const found = findSignature(headers, label)
  if (found === undefined) return false
  const key = publicKeyOf({ kty: 'OKP', crv: 'Ed25519', x })
  const path = request.url.split('?', 1)[0] ?? ''
  const { host, pathname } = new URL(publicUrl)
  const addresses = [
    { authority: request.host, path },
    { authority: host, path: pathname.replace(/\/$/, '') + path },
  ]
  return addresses.some((address) => {
    const message: Signable = { method: request.method, headers, ...address }
    return verifySignature(message, found, key)
  })
}

/** Whether the body is the one whose digest was signed. */
export function hasSignedBody(request: FastifyRequest): boolean {
  return matchesDigest(headersOf(request)['content-digest'], rawBody(request))
}

/** The count of a signed request, or undefined where it has none. */
export function countedOf(request: FastifyRequest): Counted | undefined {
  const headers = headersOf(request)
  const sequence = headers[sequenceHeader] ?? ''
  if (!wholeNumber.test(sequence) || !Number.isSafeInteger(Number(sequence))) return undefined
  const digest = hash('sha256', `${request.routeOptions.url ?? ''}\0${headers['content-digest'] ?? ''}`)
  return { sequence: Number(sequence), digest, challenge: headers[challengeHeader] }
}

function headersOf({ headers }: FastifyRequest): Signable['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}
