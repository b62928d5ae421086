import { timingSafeEqual } from 'node:crypto'
import type { Vault } from '../../../security/vault.ts'

/** Long enough to read and decide, short enough for a device that others use next. */
export const proofMinutes = 15

/** Shows for a while that whoever holds it typed the right document number for this registration. */
export function issueProof(vault: Vault, index: string, now: string): string {
  return proofUntil(vault, index, Date.parse(now) + proofMinutes * 60_000)
}

export function isProof(vault: Vault, index: string, proof: string | undefined, now: string): boolean {
  const until = Number(/^(\d{13})\./.exec(proof ?? '')?.[1])
  if (proof === undefined || !(until > Date.parse(now))) return false
  const [given, right] = [Buffer.from(proof), Buffer.from(proofUntil(vault, index, until))]
  return given.length === right.length && timingSafeEqual(given, right)
}

function proofUntil(vault: Vault, index: string, until: number): string {
  return `${String(until)}.${vault.index('digital_registrations.proof', `${String(until)} ${index}`)}`
}
