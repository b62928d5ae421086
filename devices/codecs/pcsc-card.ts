/**
 * Cards as PC/SC shows them: the command for the UID and its status words (Microsoft "PC/SC interface for smart
 * cards"), and what an ATR says of the card (PC/SC part 3 and its supplemental document; reference: readers.md 1e).
 */
import type { CardFrame, Technology } from '../card-frame.ts'
import { hexBytes, toHex, xor } from './bytes.ts'
import type { Answer } from './codec.ts'

/** The UID of the card; of ISO 14443 type B the PUPI, of FeliCa the IDm. Works for ISO 14443-4 cards too. */
export const getUid = hexBytes('FF CA 00 00 00')
export const getHistoricalBytes = hexBytes('FF CA 01 00 00')

export type ResponseStatus = 'ok' | 'failed' | 'not-supported' | 'wrong-length' | 'short' | 'other'

export interface Response {
  data: Uint8Array
  status: ResponseStatus
}

/** What a card or its reader answers to a command: data, then two bytes of status. */
export function readResponse(response: Uint8Array): Response {
  const data = response.subarray(0, -2)
  const word = toHex(response.subarray(-2))
  if (word.length === 4 && word.startsWith('6C')) return { data, status: 'wrong-length' }
  return { data, status: statusWords.get(word) ?? 'other' }
}

const statusWords = new Map<string, ResponseStatus>([
  ['9000', 'ok'],
  ['6300', 'failed'],
  ['6A81', 'not-supported'],
  ['6282', 'short'],
])

export type Atr =
  /** A memory card behind the reader's own commands. `card`: its number in the PC/SC list. */
  | { kind: 'memory'; card: number; technology: Technology | undefined }
  | { kind: 'iso14443-4'; historicalBytes: Uint8Array }
  /** Contacts: a SIM, a bank card that was inserted, or the security module of the reader itself. */
  | { kind: 'contact' }
  /** It looks contactless, and its checksum or length is wrong. It says nothing then. */
  | { kind: 'damaged' }

/** 3B 8n 80 01, n historical bytes, XOR of everything after 3B. */
export function readAtr(atr: Uint8Array): Atr {
  const [initial, format = 0, first, second] = atr
  if (initial !== 0x3b || format >> 4 !== 8 || first !== 0x80 || second !== 0x01) return { kind: 'contact' }
  if (atr.length !== 4 + (format & 0x0f) + 1 || xor(atr.subarray(1)) !== 0) return { kind: 'damaged' }
  const historicalBytes = atr.slice(4, -1)
  const hex = toHex(historicalBytes)
  if (!memoryCard.test(hex)) return { kind: 'iso14443-4', historicalBytes }
  return {
    kind: 'memory',
    card: parseInt(hex.slice(18, 22), 16),
    technology: standards.get(hex.slice(16, 18)),
  }
}

/** 80 4F 0C, the RID of the PC/SC workgroup, standard, card, four bytes for later use. */
const memoryCard = /^804F0CA000000306.{6}0{8}$/

const standards = new Map<string, Technology>([
  ['03', 'iso14443a'],
  ['07', 'iso14443b'],
  ['0B', 'iso15693'],
  ['11', 'felica'],
])

const cardNames = new Map([
  [0x0001, 'MIFARE Classic 1K'],
  [0x0002, 'MIFARE Classic 4K'],
  [0x0003, 'MIFARE Ultralight or NTAG'],
  [0x0026, 'MIFARE Mini'],
  [0x003a, 'MIFARE Ultralight C'],
])

/** For people. */
export function describeCard(atr: Atr): string {
  switch (atr.kind) {
    case 'memory': {
      const sak = atr.card.toString(16).toUpperCase().padStart(4, '0')
      return (
        cardNames.get(atr.card) ?? (sak.startsWith('FF') ? `card with SAK ${sak.slice(2)}` : `card ${sak}`)
      )
    }
    case 'iso14443-4':
      return 'ISO 14443-4 card or phone'
    case 'contact':
      return 'contact card'
    case 'damaged':
      return 'card with a damaged ATR'
  }
}

/** The answer to getUid of the card with this ATR. Nothing in it is checked by us. */
export function readUid(response: Uint8Array, atr: Atr): Answer {
  const { data, status } = readResponse(response)
  if (status !== 'ok') return { code: status === 'other' ? 'answer-malformed' : 'answer-failed' }
  if (data.length === 0) return { code: 'answer-malformed' }
  return { card: { payload: toHex(data), form: 'bytes', proof: 'none', ...kindOf(atr) } }
}

function kindOf(atr: Atr): Pick<CardFrame, 'technology' | 'isAnonymous'> {
  if (atr.kind === 'memory' && atr.technology !== undefined) return { technology: atr.technology }
  // A card that says nothing of itself is a phone or a badge that hides (readers.md 1e: 3B80800101).
  if (atr.kind === 'iso14443-4' && atr.historicalBytes.length === 0) return { isAnonymous: true }
  return {}
}
