import { type CardUid, parseCardUid } from '../../../shared/card-uid.ts'
import type { Registration } from '../../../shared/contracts/vlt-clients.ts'
import { lock } from '../../database/locks.ts'
import type { Tx } from '../../database/schema.ts'
import { together } from '../../database/together.ts'
import type { Vault } from '../../security/vault.ts'
import { sealPerson } from './person.ts'
import {
  appendConsents,
  type Claims,
  findClaims,
  type Identity,
  insertCard,
  insertClient,
  openCase,
  setActiveCard,
} from './store.ts'

export interface Outcome {
  kind: 'created' | 'card-added' | 'duplicate'
  clientId: number
  /** The client was found by document, under another codigo than the one sent. */
  alias: boolean
  /** Whose the card of a duplicate is. */
  owner?: 'own' | 'other'
}

/** What comes with a registration and is not the client's word. */
export interface Provenance {
  /** The card as the kiosk wrote it. */
  tarjeta: string
  /** Version of the text that was shown beside the consents, where that is known. */
  consentText: string | null
}

/**
 * Registers a client and binds a card, inside the caller's transaction.
 *
 * The card decides first: once registered it is a duplicate, and its owner stays as it is. Then the codigo
 * finds the client, then the document. Where these point at different people nothing is merged: staff gets a case.
 */
export async function register(
  tx: Tx,
  vault: Vault,
  registration: Registration,
  { tarjeta, consentText }: Provenance,
  at: string,
): Promise<Outcome> {
  const identity = identify(vault, registration)
  const { uid } = identity
  const [, claims] = await together(lock(tx, namesOf(identity)), findClaims(tx, identity))
  const { owner, byCodigo, byDocument, newId } = claims
  for (const conflict of conflicts(claims)) {
    await openCase(tx, { ...conflict, claimed_codigo: identity.codigo, card_uid: uid }, at)
  }
  if (owner !== undefined) {
    const isOwn = owner === (byCodigo ?? byDocument)
    return { kind: 'duplicate', clientId: owner, alias: false, owner: isOwn ? 'own' : 'other' }
  }

  const clientId = byCodigo ?? byDocument ?? newId
  if (clientId === undefined) throw new Error('neither a client nor an id for a new one')
  const created = clientId === newId
  if (created) insertClient(tx, identity, { id: clientId, personal: sealPerson(vault, registration) }, at)
  else setActiveCard(tx, clientId, uid)
  insertCard(tx, { uid, clientId, tarjeta }, at)
  appendConsents(tx, clientId, registration, { uid, consentText, at })
  return created
    ? { kind: 'created', clientId, alias: false }
    : { kind: 'card-added', clientId, alias: byCodigo === undefined }
}

type Conflict = Pick<Parameters<typeof openCase>[1], 'kind' | 'client_id' | 'other_client_id'>

function conflicts({ owner, byCodigo, byDocument }: Claims): Conflict[] {
  const found: Conflict[] = []
  if (byCodigo !== undefined && byDocument !== undefined && byCodigo !== byDocument) {
    found.push({ kind: 'identity-conflict', client_id: byCodigo, other_client_id: byDocument })
  }
  const known = byCodigo ?? byDocument
  if (owner !== undefined && owner !== known) {
    found.push({ kind: 'card-conflict', client_id: owner, other_client_id: known ?? null })
  }
  return found
}

function identify(vault: Vault, { tarjeta, codigoClienteVLT, tipoDocumento, dni }: Registration): Identity {
  return {
    uid: canonicalUid(tarjeta),
    codigo: codigoClienteVLT,
    tipoDocumento,
    dniIndex: dni === undefined ? undefined : vault.index('clients.dni', dni),
  }
}

/** What `register` locks: two registrations that could be about one card or one person wait for each other. */
export function lockNames(vault: Vault, registration: Registration): string[] {
  return namesOf(identify(vault, registration))
}

function namesOf({ uid, codigo, dniIndex }: Identity): string[] {
  const names = [`card ${uid}`, `codigo ${codigo}`]
  return dniIndex === undefined ? names : [...names, `dni ${dniIndex}`]
}

function canonicalUid(tarjeta: string): CardUid {
  const parsed = parseCardUid(tarjeta)
  if ('fault' in parsed) throw new Error('the contract let a card through that is none')
  return parsed.uid
}
