import { type CardUid, parseCardUid } from '../../../shared/card-uid.ts'
import type { Registration } from '../../../shared/contracts/vlt-clients.ts'
import type { Tx } from '../../database/schema.ts'
import {
  appendConsents,
  findByCodigo,
  findByDocument,
  findCardOwner,
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
}

/**
 * Registers a client and binds a card, inside the caller's transaction.
 *
 * The card decides first: once registered it is a duplicate, and its owner stays as it is. Then the codigo
 * finds the client, then the document. Where these point at different people nothing is merged: staff gets a case.
 */
export async function register(
  tx: Tx,
  registration: Registration,
  /** The card as the kiosk wrote it. */
  tarjeta: string,
  at: string,
): Promise<Outcome> {
  const uid = canonicalUid(registration.tarjeta)
  const { codigoClienteVLT: codigo, tipoDocumento, dni } = registration
  const owner = await findCardOwner(tx, uid)
  const byCodigo = await findByCodigo(tx, codigo)
  const byDocument = dni === undefined ? undefined : await findByDocument(tx, tipoDocumento, dni)

  if (byCodigo !== undefined && byDocument !== undefined && byCodigo !== byDocument) {
    await openCase(
      tx,
      {
        kind: 'identity-conflict',
        client_id: byCodigo,
        other_client_id: byDocument,
        claimed_codigo: codigo,
        card_uid: uid,
      },
      at,
    )
  }

  const known = byCodigo ?? byDocument
  if (owner !== undefined) {
    if (owner !== known) {
      await openCase(
        tx,
        {
          kind: 'card-conflict',
          client_id: owner,
          other_client_id: known ?? null,
          claimed_codigo: codigo,
          card_uid: uid,
        },
        at,
      )
    }
    return { kind: 'duplicate', clientId: owner, alias: false }
  }

  const clientId = known ?? (await insertClient(tx, registration, uid, at))
  await insertCard(tx, { uid, clientId, tarjeta }, at)
  await appendConsents(tx, clientId, registration, uid, at)
  if (known === undefined) return { kind: 'created', clientId, alias: false }
  await setActiveCard(tx, clientId, uid)
  return { kind: 'card-added', clientId, alias: byCodigo === undefined }
}

function canonicalUid(tarjeta: string): CardUid {
  const parsed = parseCardUid(tarjeta)
  if ('fault' in parsed) throw new Error('the contract let a card through that is none')
  return parsed.uid
}
