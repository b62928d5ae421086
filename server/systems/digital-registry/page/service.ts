import type { Clock } from '../../../../shared/clock.ts'
import type { Core } from '../../../core.ts'
import { lock } from '../../../database/locks.ts'
import type { Tx } from '../../../database/schema.ts'
import { together } from '../../../database/together.ts'
import { codeIndex, openPerson, type Person, plainDni } from '../registration.ts'
import { changeRegistration, findRegistration, type FoundRegistration, insertConsent } from '../store.ts'
import { consentWording, wordingVersion } from './consent.ts'
import { isProof, issueProof } from './proof.ts'
import type { Language } from './texts.ts'

/** How long a link works, from the registration on. */
export const linkDays = 30
/** Wrong document numbers that lock a link. */
export const maxWrongProofs = 10

/**
 * Where a registration stands:
 *
 *   prove --right document number--> confirm --consent--> done      (generado -> iniciado -> completado)
 *
 * Whoever has the link is at `prove` until the browser shows a proof that its person typed the document number.
 * `expired` and `suspended` stop whoever is not done, `locked` whoever is at `prove`.
 */
export type Standing =
  | { at: 'unknown' }
  | { at: 'expired' | 'suspended' | 'locked'; entity: string }
  | { at: 'done'; entity: string; completedAt: string }
  | { at: 'prove'; entity: string; person: Person; expiresAt: string }
  | { at: 'confirm'; entity: string; person: Person; proof: string }

export type Proving =
  | { found: 'blank'; standing: Standing }
  | { found: 'wrong'; left: number; standing: Standing; registrationId: number }
  | { found: 'right'; proof: string }
  /** Nothing is asked for any more, or not yet. */
  | { found: 'no-question'; standing: Standing }

export type Confirming =
  | { found: 'no-consent' | 'other-wording' | 'no-proof'; standing: Standing }
  | { found: 'done' }
  | { found: 'no-question'; standing: Standing }

/** What a person does with a link; every call names the code of the link. */
export interface Validation {
  look(code: string, proof: string | undefined): Promise<Standing>
  /** The person types the document number. */
  prove(code: string, typed: string): Promise<Proving>
  /** The person confirms the data and accepts the wording of that version in that language. */
  confirm(code: string, answer: Confirmation): Promise<Confirming>
}

export interface Confirmation {
  proof: string | undefined
  accepts: boolean
  version: string | undefined
  language: Language
}

type Parts = Pick<Core, 'database' | 'vault' | 'audit'>

export function createValidation({ database, vault, audit }: Parts, clock: Clock): Validation {
  const standingOf = (row: FoundRegistration | undefined, proof: string | undefined): Standing => {
    if (row === undefined) return { at: 'unknown' }
    const entity = row.entity_name
    if (row.completed_at !== null) return { at: 'done', entity, completedAt: row.completed_at }
    const expiresAt = new Date(Date.parse(row.created_at) + linkDays * 24 * 60 * 60_000).toISOString()
    if (clock.now() >= expiresAt) return { at: 'expired', entity }
    if (row.entity_active === 0) return { at: 'suspended', entity }
    const person = openPerson(vault, row.code_index, row.personal)
    if (proof !== undefined && isProof(vault, row.code_index, proof, clock.now())) {
      return { at: 'confirm', entity, person, proof }
    }
    return row.wrong_proofs < maxWrongProofs
      ? { at: 'prove', entity, person, expiresAt }
      : { at: 'locked', entity }
  }

  /** The registration, held so that clicks that come together count one after the other. */
  const held = async (tx: Tx, index: string): Promise<FoundRegistration | undefined> => {
    const [, row] = await together(lock(tx, [`digital-registration ${index}`]), findRegistration(tx, index))
    return row
  }

  const recordOf = (tx: Tx, id: number, action: string, details = {}): Promise<void> =>
    audit.record(tx, { action, actor: 'anonymous', subject: subjectOf(id), details })

  const proveIn = async (tx: Tx, index: string, typed: string): Promise<Proving> => {
    const row = await held(tx, index)
    const standing = standingOf(row, undefined)
    if (row === undefined || standing.at !== 'prove') return { found: 'no-question', standing }
    const { id, wrong_proofs: before } = row
    if (plainDni(typed) === '') return { found: 'blank', standing }
    if (plainDni(typed) === plainDni(standing.person.Dni)) {
      if (row.state === 'generado') {
        await changeRegistration(tx, id, { state: 'iniciado', started_at: clock.now() })
        await recordOf(tx, id, 'digital-registration-started')
      }
      return { found: 'right', proof: issueProof(vault, index, clock.now()) }
    }
    const wrongProofs = before + 1
    await changeRegistration(tx, id, { wrong_proofs: wrongProofs })
    if (wrongProofs >= maxWrongProofs) await recordOf(tx, id, 'digital-registration-locked')
    const after = standingOf({ ...row, wrong_proofs: wrongProofs }, undefined)
    return { found: 'wrong', left: maxWrongProofs - wrongProofs, standing: after, registrationId: id }
  }

  const confirmIn = async (tx: Tx, index: string, answer: Confirmation): Promise<Confirming> => {
    const row = await held(tx, index)
    const standing = standingOf(row, answer.proof)
    if (row === undefined || (standing.at !== 'confirm' && standing.at !== 'prove')) {
      return { found: 'no-question', standing }
    }
    if (standing.at === 'prove') return { found: 'no-proof', standing }
    if (answer.version !== wordingVersion) return { found: 'other-wording', standing }
    if (!answer.accepts) return { found: 'no-consent', standing }
    const at = clock.now()
    const { language } = answer
    await changeRegistration(tx, row.id, { state: 'completado', completed_at: at })
    await insertConsent(tx, {
      registration_id: row.id,
      wording_version: wordingVersion,
      language,
      wording: consentWording[language](standing.entity),
      accepted_at: at,
    })
    await recordOf(tx, row.id, 'digital-registration-completed', { wording: wordingVersion, language })
    return { found: 'done' }
  }

  return {
    async look(code, proof) {
      return standingOf(await database.query((db) => findRegistration(db, codeIndex(vault, code))), proof)
    },
    async prove(code, typed) {
      const proving = await database.transact((tx) => proveIn(tx, codeIndex(vault, code), typed))
      if (proving.found === 'wrong') {
        const subject = subjectOf(proving.registrationId)
        audit.tally({ action: 'digital-registration-wrong-proof', actor: 'anonymous', subject })
      }
      return proving
    },
    confirm: (code, answer) => database.transact((tx) => confirmIn(tx, codeIndex(vault, code), answer)),
  }
}

function subjectOf(id: number): string {
  return `digital-registration ${String(id)}`
}
