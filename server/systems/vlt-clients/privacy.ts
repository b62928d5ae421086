import { lock } from '../../database/locks.ts'
import { type FindHolding, idOf } from '../../privacy/holding.ts'
import { openPerson } from './person.ts'
import {
  findClient,
  forgetClient,
  listCards,
  listCasesAbout,
  listConsents,
  withdrawConsents,
} from './store.ts'

/**
 * What is held of a client, by id.
 *
 * Erasing leaves a client of that id without a person: its cards stay, so that nobody can bind them to somebody else
 * unseen, but none is active any more; the ledger of consents stays as evidence, ends in a withdrawal of each channel,
 * and names nobody; cases about the client are closed. The codigo is free for the person to register anew.
 */
export const findClientHolding: FindHolding = async (tx, vault, id) => {
  const clientId = idOf(id)
  const known = await findClient(tx, clientId)
  if (known === undefined) return undefined
  // Everything that changes a client holds one of these: see service.ts.
  await lock(tx, [`codigo ${known.codigo_cliente_vlt}`, `dni ${known.dni_index ?? ''}`])
  const client = (await findClient(tx, clientId)) ?? known
  const person = openPerson(vault, client)
  const { codigo_cliente_vlt: codigo, active_card_uid: activeCard, created_at: createdAt } = client
  const cards = await listCards(tx, clientId)
  const consents = await listConsents(tx, clientId)
  const cases = await listCasesAbout(tx, clientId, codigo)
  return {
    subject: `client ${String(clientId)}`,
    held: {
      client: { id: clientId, createdAt, erased: person === undefined, person: person ?? null },
      cards: cards.map(({ uid, tarjeta, registered_at }) => ({
        uid,
        tarjeta,
        registeredAt: registered_at,
        active: uid === activeCard,
      })),
      consents: consents.map(({ channel, granted, source, card_uid, consent_text, recorded_at }) => ({
        channel,
        granted: granted === 1,
        source,
        cardUid: card_uid,
        text: consent_text,
        recordedAt: recorded_at,
      })),
      staffCases: cases.map((found) => ({
        id: found.id,
        kind: found.kind,
        claimedCodigo: found.claimed_codigo,
        cardUid: found.card_uid,
        openedAt: found.opened_at,
        closedAt: found.closed_at,
      })),
    },
    addresses: person === undefined ? [] : [person.correo],
    erase: async (at) => {
      if (person === undefined) return []
      await forgetClient(tx, { id: clientId, codigo }, at)
      await withdrawConsents(tx, clientId, at)
      return [client.personal, client.dni_index ?? '']
    },
  }
}
