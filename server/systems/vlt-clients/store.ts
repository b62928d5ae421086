import type { CardUid } from '../../../shared/card-uid.ts'
import type { Registration } from '../../../shared/contracts/vlt-clients.ts'
import type { StaffCaseRow, Tx } from '../../database/schema.ts'

/** Id of the client a card was once registered for. */
export async function findCardOwner(tx: Tx, uid: CardUid): Promise<number | undefined> {
  const card = await tx.selectFrom('cards').select('client_id').where('uid', '=', uid).executeTakeFirst()
  return card?.client_id
}

export async function findByCodigo(tx: Tx, codigo: string): Promise<number | undefined> {
  const client = await tx
    .selectFrom('clients')
    .select('id')
    .where('codigo_cliente_vlt', '=', codigo)
    .executeTakeFirst()
  return client?.id
}

/**
 * Id of the client with this document number. Types are compared where both sides have one, since numbers repeat
 * across types; of several the one with the same type wins, then the oldest.
 */
export async function findByDocument(
  tx: Tx,
  tipoDocumento: string | undefined,
  dni: string,
): Promise<number | undefined> {
  const numbered = tx.selectFrom('clients').select('id').where('dni', '=', dni)
  const matching =
    tipoDocumento === undefined
      ? numbered
      : numbered
          .where((is) => is.or([is('tipo_documento', '=', tipoDocumento), is('tipo_documento', 'is', null)]))
          .orderBy((is) => is('tipo_documento', 'is', null))
  const client = await matching.orderBy('id').limit(1).executeTakeFirst()
  return client?.id
}

/** Answers the new client's id. */
export async function insertClient(tx: Tx, client: Registration, uid: CardUid, at: string): Promise<number> {
  const { id } = await tx
    .insertInto('clients')
    .values({
      codigo_cliente_vlt: client.codigoClienteVLT,
      correo: client.correo,
      tipo_documento: client.tipoDocumento ?? null,
      dni: client.dni ?? null,
      nombre: client.nombre ?? null,
      apellido_paterno: client.apellidoPaterno ?? null,
      apellido_materno: client.apellidoMaterno ?? null,
      fecha_nacimiento: client.fechaNacimiento ?? null,
      direccion: client.direccion ?? null,
      telefono: client.telefono ?? null,
      ubigeo: client.ubigeo ?? null,
      sexo: client.sexo ?? null,
      active_card_uid: uid,
      created_at: at,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export async function insertCard(
  tx: Tx,
  card: { uid: CardUid; clientId: number; tarjeta: string },
  at: string,
): Promise<void> {
  await tx
    .insertInto('cards')
    .values({ uid: card.uid, client_id: card.clientId, tarjeta: card.tarjeta, registered_at: at })
    .execute()
}

export async function setActiveCard(tx: Tx, clientId: number, uid: CardUid): Promise<void> {
  await tx.updateTable('clients').set({ active_card_uid: uid }).where('id', '=', clientId).execute()
}

/** One ledger entry per channel: refusals count as much as consents. */
export async function appendConsents(
  tx: Tx,
  clientId: number,
  { enviarWhatsApp, enviarCorreo, enviarSms }: Registration,
  uid: CardUid,
  at: string,
): Promise<void> {
  const entry = { client_id: clientId, source: 'vlt-clients', card_uid: uid, recorded_at: at }
  await tx
    .insertInto('consents')
    .values([
      { ...entry, channel: 'whatsapp', granted: enviarWhatsApp ? 1 : 0 },
      { ...entry, channel: 'email', granted: enviarCorreo ? 1 : 0 },
      { ...entry, channel: 'sms', granted: enviarSms ? 1 : 0 },
    ])
    .execute()
}

export type StaffCase = Pick<
  StaffCaseRow,
  'kind' | 'client_id' | 'other_client_id' | 'claimed_codigo' | 'card_uid'
>

/** Opens a case for staff, unless the same one is still open. */
export async function openCase(tx: Tx, found: StaffCase, at: string): Promise<void> {
  const open = await tx
    .selectFrom('staff_cases')
    .select('id')
    .where('card_uid', '=', found.card_uid)
    .where('claimed_codigo', '=', found.claimed_codigo)
    .where('kind', '=', found.kind)
    .where('client_id', '=', found.client_id)
    .where('other_client_id', found.other_client_id === null ? 'is' : '=', found.other_client_id)
    .where('closed_at', 'is', null)
    .executeTakeFirst()
  if (open !== undefined) return
  await tx
    .insertInto('staff_cases')
    .values({ ...found, opened_at: at, closed_at: null })
    .execute()
}
