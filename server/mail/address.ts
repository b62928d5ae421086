import { domainToASCII } from 'node:url'

/** Where mails come from. */
export interface Sender {
  /** Shown before the address; may be empty. */
  name: string
  address: string
  /** Of the address, in ASCII. */
  domain: string
}

// What RFC 5321 allows without quotes. Quoted local parts and address literals are legal, and nobody has one.
const addressForm =
  /^[^\s\p{Cc}\p{Cs}<>()[\]\\,;:"@]{1,64}@(?<domain>[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?)$/u
const maxAddressLength = 254

/** Whether the text is one address alone, so that it can bring neither headers nor further recipients along. */
export function isMailAddress(text: string): boolean {
  return domainOf(text) !== undefined
}

/** `Lobby <no-reply@example.com>` or a bare address; undefined for anything else. */
export function parseSender(text: string): Sender | undefined {
  const match = /^(?:"?(?<name>[^"<>\p{Cc}\p{Cs}]*?)"?\s*<(?<inner>[^<>]*)>|(?<bare>[^<>]*))$/u.exec(text)
  const { name = '', inner, bare = '' } = match?.groups ?? {}
  const address = inner ?? bare
  const domain = domainOf(address)
  return domain === undefined ? undefined : { name: name.trim(), address, domain }
}

function domainOf(address: string): string | undefined {
  const domain = addressForm.exec(address)?.groups?.['domain']
  if (domain === undefined || address.length > maxAddressLength) return undefined
  return domainToASCII(domain) || undefined
}
