import type { DocumentType, RegistrationRequest } from '../../../shared/contracts/digital-registry.ts'
import type { Vault } from '../../security/vault.ts'

/** The citizen to validate; keys are those of the wire. */
export type Person = Pick<RegistrationRequest, 'Dni' | 'Nombres'> & { TipoDni: DocumentType }

/** By what a registration is found. The code itself is not kept: it opens the page to whoever has it. */
export function codeIndex(vault: Vault, code: string): string {
  return vault.index('digital_registrations.code', code)
}

export function sealPerson(vault: Vault, index: string, person: Person): string {
  return vault.seal(personPurpose(index), JSON.stringify(person))
}

export function openPerson(vault: Vault, index: string, sealed: string): Person {
  return JSON.parse(vault.open(personPurpose(index), sealed)) as Person
}

function personPurpose(index: string): string {
  return `digital_registrations:${index}`
}

/** A document number as people would compare two: `987.654.321` is `987654321`, and small letters are large ones. */
export function plainDni(dni: string): string {
  return dni
    .normalize('NFKC')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toUpperCase()
}
