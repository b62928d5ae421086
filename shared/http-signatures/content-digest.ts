/** Content-Digest (RFC 9530) with SHA-256. */
import { hash } from 'node:crypto'
import { parseDictionary } from 'structured-headers'

export function contentDigest(body: Buffer | string): string {
  return `sha-256=:${hash('sha256', body, 'base64')}:`
}

/** Whether the header holds the digest of these bytes; digests by other algorithms beside it do not count. */
export function matchesDigest(header: string | undefined, body: Buffer): boolean {
  try {
    const [digest] = parseDictionary(header ?? '').get('sha-256') ?? []
    return digest instanceof ArrayBuffer && Buffer.from(digest).equals(hash('sha256', body, 'buffer'))
  } catch {
    return false
  }
}
