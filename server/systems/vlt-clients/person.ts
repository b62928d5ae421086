import type { Registration } from '../../../shared/contracts/vlt-clients.ts'
import type { ClientRow } from '../../database/rows/clients.ts'
import type { Vault } from '../../security/vault.ts'

/** What a registration says of the person: everything but card and consents, under the keys of the wire. */
export type Person = Omit<Registration, 'tarjeta' | 'enviarWhatsApp' | 'enviarCorreo' | 'enviarSms'>

export function sealPerson(vault: Vault, registration: Registration): string {
  const { tarjeta: _card, enviarWhatsApp: _1, enviarCorreo: _2, enviarSms: _3, ...person } = registration
  return vault.seal(purpose(person.codigoClienteVLT), JSON.stringify(person))
}

/** The person of a client, or undefined once erased: of those nothing is left to open. */
export function openPerson(
  vault: Vault,
  { codigo_cliente_vlt: codigo, personal }: Pick<ClientRow, 'codigo_cliente_vlt' | 'personal'>,
): Person | undefined {
  return personal === '' ? undefined : (JSON.parse(vault.open(purpose(codigo), personal)) as Person)
}

function purpose(codigo: string): string {
  return `clients:${codigo}`
}
