/**
 * HTTP Message Signatures (RFC 9421) with Ed25519, for requests: header fields and the derived components `@method`,
 * `@authority` and `@path`, without component parameters. What a signature has to cover is the caller's to say.
 */
import { type KeyObject, sign as signBytes, verify as verifyBytes } from 'node:crypto'
import {
  type BareItem,
  type Dictionary,
  type InnerList,
  type Item,
  parseDictionary,
  serializeDictionary,
  serializeInnerList,
} from 'structured-headers'

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
  const inputs: Dictionary = new Map()
  const signatures: Dictionary = new Map()
  for (const { label, privateKey, parameters } of keys) {
    const covered: Item[] = components.map((name) => [name, new Map()])
    const input: InnerList = [covered, new Map<string, BareItem>(Object.entries(parameters))]
    const base = signatureBase(message, components, serializeInnerList(input))
    if (base === undefined) throw new Error('a component to be signed is missing')
    inputs.set(label, input)
    signatures.set(label, [signBytes(null, base, privateKey), new Map()])
  }
  return { 'signature-input': serializeDictionary(inputs), signature: serializeDictionary(signatures) }
}

/** The signature of that label, or undefined where there is none that could be read. */
export function findSignature(headers: Signable['headers'], label: string): FoundSignature | undefined {
  let input, signature
  try {
    input = parseDictionary(headers['signature-input'] ?? '').get(label)
    signature = parseDictionary(headers['signature'] ?? '').get(label)?.[0]
  } catch {
    return undefined
  }
  if (input === undefined || !isInnerList(input) || !(signature instanceof ArrayBuffer)) return undefined
  const [items, parameters] = input
  const components = items.flatMap(([name, own]) =>
    typeof name === 'string' && own.size === 0 ? [name] : [],
  )
  if (components.length !== items.length || new Set(components).size !== items.length) return undefined
  return {
    components,
    keyId: textOf(parameters.get('keyid')),
    tag: textOf(parameters.get('tag')),
    parameters: serializeInnerList(input),
    bytes: Buffer.from(signature),
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

function isInnerList(member: Item | InnerList): member is InnerList {
  return Array.isArray(member[0])
}

function textOf(value: BareItem | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
