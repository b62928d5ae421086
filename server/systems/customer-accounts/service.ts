import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { CustomerProfile } from '../../../shared/contracts/customer-accounts.ts'
import { lock } from '../../database/locks.ts'
import type { Db, Tx } from '../../database/schema.ts'
import { together } from '../../database/together.ts'
import type { Mailbox } from '../../mail/mailbox.ts'
import type { Vault } from '../../security/vault.ts'
import { documentIndex, emailIndex, profilePurpose } from './account.ts'
import { accountMail, codeMail, knownAddressMail } from './mails.ts'
import {
  codeMinutes,
  forgetAt,
  guessWaitMs,
  isLive,
  type Registration,
  sendWaitMs,
  unknownAddress,
  withAccount,
  withCode,
  withConflict,
  withGuess,
  withoutFailure,
  withTicket,
} from './registration.ts'
import {
  findAccount,
  findAttempts,
  findOwners,
  forgetAttempts,
  insertAccount,
  saveAttempts,
} from './store.ts'

/** Somebody has to wait, whoever they ask about. */
export interface Wait {
  kind: 'wait'
  waitMs: number
}

interface Parts {
  vault: Vault
  mailbox: Mailbox
}

/**
 * Step 1: mails a code to the address; to an address that has an account, a mail without one. The work is the same,
 * and so is everything that a stranger can see, now and in the steps that follow.
 */
export async function startRegistration(
  tx: Tx,
  { vault, mailbox }: Parts,
  { email, nombres }: { email: string; nombres: string },
  now: string,
): Promise<{ kind: 'sent' } | Wait> {
  const address = emailIndex(vault, email)
  const [known, account] = await together(holdAddress(tx, address), findAccount(tx, address))
  const waitMs = sendWaitMs(known, now)
  if (waitMs > 0) return { kind: 'wait', waitMs }
  const code = randomInt(1_000_000).toString().padStart(6, '0')
  // What is kept for an address with an account matches no code.
  const secret = account === undefined ? code : randomUUID()
  const mail = account === undefined ? codeMail(email, nombres, code, codeMinutes) : knownAddressMail(email)
  await together(
    save(tx, address, withCode(known, codeIndex(vault, address, secret), now)),
    mailbox.queue(tx, mail),
    forgetAttempts(tx, now),
  )
  return { kind: 'sent' }
}

/** A guess that has been counted and may now be looked at. */
export interface Guess {
  address: string
  at: string
  /** Whether it is compared at all. */
  counts: boolean
}

/**
 * Step 2, before the code is looked at: counts the guess as a failed one. In a transaction of its own, so that it
 * stays counted whatever becomes of the request, also where an idempotency key would tell whether it was right.
 */
export async function takeGuess(
  tx: Tx,
  vault: Vault,
  email: string,
  now: string,
): Promise<({ kind: 'taken' } & Guess) | Wait> {
  const address = emailIndex(vault, email)
  const before = await holdAddress(tx, address)
  const waitMs = guessWaitMs(before, now)
  if (waitMs > 0) return { kind: 'wait', waitMs }
  const { known, counts } = withGuess(before, now)
  await together(save(tx, address, known), forgetAttempts(tx, now))
  return { kind: 'taken', address, at: now, counts }
}

/** Takes back a guess that nobody looked at. */
export async function returnGuess(tx: Tx, { address, at }: Guess): Promise<void> {
  await save(tx, address, withoutFailure(await holdAddress(tx, address), at))
}

/** Step 2: a right guess uses the code up and gives a ticket for the address, of 256 random bits. */
export async function checkGuess(
  tx: Tx,
  vault: Vault,
  { address, at, counts }: Guess,
  { codigo, network }: { codigo: string; network: string | undefined },
  now: string,
): Promise<{ kind: 'verified'; ticket: string } | { kind: 'refused' }> {
  const known = await holdAddress(tx, address)
  const { code } = known
  // Keyed hashes of full length: comparing them tells nothing of the code.
  const isRight = counts && isLive(code, now) && code.index === codeIndex(vault, address, codigo)
  if (!isRight) return { kind: 'refused' }
  const ticket = randomBytes(32).toString('base64url')
  const proof = {
    index: ticketIndex(vault, address, ticket),
    network: network === undefined ? null : networkIndex(vault, address, network),
  }
  await save(tx, address, withTicket(withoutFailure(known, at), proof, now))
  return { kind: 'verified', ticket }
}

/** What somebody shows to complete a registration. */
export interface Claim {
  email: string
  /** Of the header; without it the client network has to be the one that verified the address. */
  ticket: string | undefined
  network: string | undefined
}

/** Whether hashing a password for this claim is worth the while. Nothing is decided yet. */
export async function isVerified(db: Db, vault: Vault, claim: Claim, now: string): Promise<boolean> {
  const address = emailIndex(vault, claim.email)
  return holds(vault, address, await findRegistration(db, address), claim, now)
}

/**
 * Step 3: creates the account and uses the ticket up. `taken` names the fields that another customer has; only who
 * holds a ticket gets to hear it, and the ticket stays. Without a hash there was no ticket when it could be made.
 */
export async function createAccount(
  tx: Tx,
  { vault, mailbox }: Parts,
  profile: CustomerProfile,
  claim: Claim,
  passwordHash: string | undefined,
  now: string,
): Promise<
  | { kind: 'created'; id: number }
  | { kind: 'taken'; fields: ('numero_documento' | 'email')[] }
  | { kind: 'unverified' }
> {
  const address = emailIndex(vault, claim.email)
  const document = documentIndex(vault, profile.numero_documento)
  const known = await holdAddress(tx, address, [`customer-document ${document}`])
  if (passwordHash === undefined || !holds(vault, address, known, claim, now)) return { kind: 'unverified' }

  const owners = await findOwners(tx, { emailIndex: address, documentIndex: document })
  if (owners.email !== undefined || owners.document !== undefined) {
    await save(tx, address, withConflict(known))
    const fields = { numero_documento: owners.document, email: owners.email }
    return {
      kind: 'taken',
      fields: (['numero_documento', 'email'] as const).filter((field) => fields[field] !== undefined),
    }
  }
  const { password: _hashed, ...kept } = profile
  const [id] = await together(
    insertAccount(tx, {
      email_index: address,
      document_index: document,
      profile: vault.seal(profilePurpose(address), JSON.stringify(kept)),
      password_hash: passwordHash,
      created_at: now,
    }),
    save(tx, address, withAccount(known)),
    mailbox.queue(tx, accountMail(claim.email, profile.nombres)),
  )
  return { kind: 'created', id }
}

function codeIndex(vault: Vault, address: string, code: string): string {
  return vault.index('customer_attempts.code', `${address} ${code}`)
}

function ticketIndex(vault: Vault, address: string, ticket: string): string {
  return vault.index('customer_attempts.ticket', `${address} ${ticket}`)
}

function networkIndex(vault: Vault, address: string, network: string): string {
  return vault.index('customer_attempts.network', `${address} ${network}`)
}

function holds(vault: Vault, address: string, { ticket }: Registration, claim: Claim, now: string): boolean {
  if (!isLive(ticket, now)) return false
  if (claim.ticket !== undefined) return ticket.index === ticketIndex(vault, address, claim.ticket)
  return claim.network !== undefined && ticket.network === networkIndex(vault, address, claim.network)
}

/** Where the registration of an address is kept. */
export function registrationKey(address: string): string {
  return `registration ${address}`
}

/** Whatever changes an address, or its account, holds this. */
export function addressLock(address: string): string {
  return `customer ${address}`
}

/** What is known of the address, which waits for nobody else until the end of this transaction. */
async function holdAddress(tx: Tx, address: string, alsoHold: string[] = []): Promise<Registration> {
  const [, known] = await together(
    lock(tx, [addressLock(address), ...alsoHold]),
    findRegistration(tx, address),
  )
  return known
}

async function findRegistration(db: Db, address: string): Promise<Registration> {
  const key = registrationKey(address)
  const state = (await findAttempts(db, [key])).get(key)
  return state === undefined ? unknownAddress : (JSON.parse(state) as Registration)
}

function save(tx: Tx, address: string, known: Registration): Promise<void> {
  const row = { key: registrationKey(address), state: JSON.stringify(known), forget_at: forgetAt(known) }
  return saveAttempts(tx, [row])
}
