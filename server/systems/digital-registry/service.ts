import type { Audit } from '../../audit/audit.ts'
import type { Tx } from '../../database/schema.ts'
import type { Vault } from '../../security/vault.ts'
import { codeIndex, type Person, plainDni, sealPerson } from './registration.ts'
import { insertRegistration } from './store.ts'

// With 67 bits even a second draw is a sign that something is broken.
const maxDraws = 10

export interface Registry {
  vault: Vault
  audit: Audit
  createCode: () => string
}

export interface Registered {
  code: string
  /** As the audit trail names it. */
  subject: string
}

/** Registers a person under a new code, inside the caller's transaction. */
export async function register(
  tx: Tx,
  { vault, audit, createCode }: Registry,
  person: Person,
  userId: number,
  at: string,
): Promise<Registered> {
  const dniIndex = vault.index('digital_registrations.dni', plainDni(person.Dni))
  for (let draw = 0; draw < maxDraws; draw += 1) {
    const code = createCode()
    const index = codeIndex(vault, code)
    const id = await insertRegistration(tx, {
      code_index: index,
      api_user_id: userId,
      dni_index: dniIndex,
      personal: sealPerson(vault, index, person),
      created_at: at,
    })
    if (id === undefined) continue
    const actor = `api-user ${String(userId)}`
    const subject = `digital-registration ${String(id)}`
    await audit.record(tx, { action: 'digital-registration-created', actor, subject })
    return { code, subject }
  }
  throw new Error(`${String(maxDraws)} codes in a row were taken`)
}
