/**
 * HTTP Message Signatures (RFC 9421) with Ed25519, for requests: header fields and the derived components `@method`,
 * `@authority` and `@path`, without component parameters. What a signature has to cover is the caller's to say.
 */
import { type KeyObject, sign as signBytes, verify as verifyBytes } from 'node:crypto'
import { parseDictionary, serializeDictionary, serializeInnerList } from 'structured-headers'

/** What of a request can be signed. */
export interface Signable {
  method: string
  /** Host, with a port that is not the scheme's own. */
  authority: string
  /** Without query. */
  path: string
  /** Names in lower case. */
  headers: Record<string, string | undefined>
}

export interface SigningKey {
  /** Names the signature within the request. */
  label: string
  privateKey: KeyObject
  /** In the order they are written: `keyid`, `tag` and the like. */
  parameters: Record<string, string | number>
}

/** A signature as it came, not yet believed. */
export interface FoundSignature {
  components: string[]
  keyId: string | undefined
  tag: string | undefined
  /** The line that ends what was signed. */
  parameters: string
  bytes: Buffer
}

/** The two header fields with one signature per key, all over the same components. Throws where one is missing. */
export function signMessage(
  message: Signable,
  components: readonly string[],
  keys: readonly SigningKey[],
): { 'signature-input': string; signature: string } {
  const inputs = new Map<string, InnerList>()
  const signatures = new Map<string, [Buffer<ArrayBuffer>, Map<string, string>]>()
  for (const { label, privateKey, parameters } of keys) {
    const input: InnerList = [
      components.map((name) => [name, new Map()]),
      new Map(Object.entries(parameters)),
    ]
    const base = signatureBase(message, components, serializeInnerList(input))
    if (base === undefined) throw new Error('a component to be signed is missing')
    inputs.set(label, input)
    signatures.set(label, [Buffer.from(signBytes(null, base, privateKey)), new Map<string, string>()])
  }
  return { 'signature-input': serializeDictionary(inputs), signature: serializeDictionary(signatures) }
}

/** The signature of that label, or undefined where there is none that could be read. */
export function findSignature(headers: Signable['headers'], label: string): FoundSignature | undefined {
  const input = memberOf(headers['signature-input'], label)
  const [signature] = memberOf(headers['signature'], label) ?? []
  if (!isInnerList(input) || !(signature instanceof ArrayBuffer)) return undefined
  const [items, parameters] = input
  const components = items.flatMap(([name, own]) => (own.size === 0 ? [name] : []))
  if (components.length !== items.length || new Set(components).size !== items.length) return undefined
  return {
    components,
    keyId: textOf(parameters.get('keyid')),
    tag: textOf(parameters.get('tag')),
    parameters: serializeInnerList(input),
    bytes: Buffer.from(signature),
  }
}

/** A member of a dictionary field, or undefined where there is none or the field cannot be read. */
function memberOf(field: string | undefined, label: string): unknown[] | undefined {
  try {
    return parseDictionary(field ?? '').get(label)
  } catch {
    return undefined
  }
}

/** Whether this key signed these parts of the message. */
export function verifySignature(message: Signable, found: FoundSignature, publicKey: KeyObject): boolean {
  const base = signatureBase(message, found.components, found.parameters)
  return base !== undefined && verifyBytes(null, base, publicKey, found.bytes)
}

/** What is signed (RFC 9421, 2.5), or undefined where the message lacks a component. */
function signatureBase(
  message: Signable,
  components: readonly string[],
  parameters: string,
): Buffer | undefined {
  const derived: Record<string, string> = {
    '@method': message.method,
    '@authority': message.authority.toLowerCase(),
    '@path': message.path,
  }
  const lines: string[] = []
  for (const name of components) {
    const value = name.startsWith('@') ? derived[name] : message.headers[name]?.trim()
    if (value === undefined) return undefined
    lines.push(`"${name}": ${value}`)
  }
  return Buffer.from([...lines, `"@signature-params": ${parameters}`].join('\n'))
}

/** Named components, and the parameters of the signature. */
type InnerList = [items: [name: string, own: Map<string, string>][], parameters: Map<string, string | number>]

function isInnerList(member: unknown[] | undefined): member is InnerList {
  const items = member?.[0]
  return Array.isArray(items) && items.every((item: unknown[]) => typeof item[0] === 'string')
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
