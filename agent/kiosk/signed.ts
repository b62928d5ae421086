import {
  challengeHeader,
  newKeyLabel,
  sequenceHeader,
  signatureLabel,
  signatureTag,
  signedComponents,
} from '../../shared/contracts/kiosk-sync.ts'
import { contentDigest } from '../../shared/http-signatures/content-digest.ts'
import { type PrivateJwk, privateKeyOf, thumbprint } from '../../shared/http-signatures/ed25519.ts'
import { signMessage, type SigningKey } from '../../shared/http-signatures/signature.ts'

export interface Unsigned {
  url: URL
  /** JSON text. */
  body: string
  sequence: number
  challenge?: string | undefined
}

/** The headers of a POST that proves itself by `key`, and by `newKey` beside it. */
export function signedHeaders(
  { url, body, sequence, challenge }: Unsigned,
  key: PrivateJwk,
  newKey?: PrivateJwk,
): Record<string, string> {
  const headers = {
    'content-type': 'application/json',
    'content-digest': contentDigest(body),
    [sequenceHeader]: String(sequence),
    ...(challenge !== undefined && { [challengeHeader]: challenge }),
  }
  const components = challenge === undefined ? signedComponents : [...signedComponents, challengeHeader]
  const message = { method: 'POST', authority: url.host, path: url.pathname, headers }
  const keys = [signingKey(signatureLabel, key), ...(newKey ? [signingKey(newKeyLabel, newKey)] : [])]
  return { ...headers, ...signMessage(message, components, keys) }
}

function signingKey(label: string, key: PrivateJwk): SigningKey {
  return {
    label,
    privateKey: privateKeyOf(key),
    // No `created`: nobody is to trust this machine's clock.
    parameters: { keyid: thumbprint(key), alg: 'ed25519', tag: signatureTag },
  }
}
