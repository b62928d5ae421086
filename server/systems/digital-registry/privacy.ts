import { lock } from '../../database/locks.ts'
import type { FindHolding } from '../../privacy/holding.ts'
import { codeIndex, openPerson } from './registration.ts'
import { findConsent, findWholeRegistration, forgetRegistration } from './store.ts'

/**
 * What is held of a registration, by Codigo.
 *
 * Erasing leaves a registration without a person, whose link leads nowhere any more; what was accepted on the page, and
 * when, stays as evidence that names nobody.
 */
export const findRegistrationHolding: FindHolding = async (tx, vault, code) => {
  const index = codeIndex(vault, code.trim().toUpperCase())
  await lock(tx, [`digital-registration ${index}`])
  const row = await findWholeRegistration(tx, index)
  if (row === undefined) return undefined
  const erased = row.personal === ''
  const consent = await findConsent(tx, row.id)
  return {
    subject: `digital-registration ${String(row.id)}`,
    held: {
      registration: {
        id: row.id,
        apiUserId: row.api_user_id,
        state: row.state,
        wrongProofs: row.wrong_proofs,
        createdAt: row.created_at,
        startedAt: row.started_at,
        completedAt: row.completed_at,
        erased,
        person: erased ? null : openPerson(vault, index, row.personal),
      },
      consent:
        consent === undefined
          ? null
          : {
              wordingVersion: consent.wording_version,
              language: consent.language,
              wording: consent.wording,
              acceptedAt: consent.accepted_at,
            },
    },
    addresses: [],
    erase: async () => {
      if (erased) return []
      await forgetRegistration(tx, row.id)
      return [row.personal, row.dni_index]
    },
  }
}
