import type { AuditEventRow } from '../database/rows/platform.ts'
import type { Vault } from '../security/vault.ts'

/**
 * The audit trail is a chain: each row holds a keyed hash of itself and of the row before. Whoever changes the
 * database without the keyring cannot make a row, change one, or take one out of the middle unseen.
 *
 * Both ends are rows of their own, each with a keyed proof. `start` is the last row that was pruned: the oldest row
 * kept follows it. `end` is the newest row, so that rows missing at the end are seen too, and what is written after
 * such a cut leaves a gap. What this cannot show: that the whole database, or its newest rows together with `end`, was
 * put back to an earlier state. Against that helps an end noted elsewhere: the server's log has one a day.
 */
export interface Link {
  seq: number
  chain: string
}

export type Place = 'start' | 'end'

/** A recorded end of the chain; nothing is recorded before the first row. */
export interface End extends Link {
  proof: string
}

export const nothing: End = { seq: 0, chain: '', proof: '' }

export type Unchained = Omit<AuditEventRow, 'chain'>

/** The chain value of a row that follows one with the value `before`. */
export function chainOf(
  vault: Vault,
  before: string,
  { seq, at, action, actor, subject, details }: Unchained,
): string {
  return vault.index('audit', before + JSON.stringify({ seq, at, action, actor, subject, details }))
}

export function proven(vault: Vault, place: Place, link: Link): End {
  const { seq, chain } = link
  return { seq, chain, proof: vault.index('audit.ends', `${place} ${String(seq)} ${chain}`) }
}

/** Whether this server recorded that end. */
export function isProven(vault: Vault, place: Place, end: End): boolean {
  return end === nothing || end.proof === proven(vault, place, end).proof
}

/** How people note an end: `812:Xy…`. */
export function formatLink({ seq, chain }: Link): string {
  return `${String(seq)}:${chain}`
}

export function parseLink(text: string): Link | undefined {
  const [, seq, chain] = /^(\d{1,10}):([\w-]{43})$/.exec(text.trim()) ?? []
  return seq === undefined || chain === undefined ? undefined : { seq: Number(seq), chain }
}
