import type { Clock } from '../../../shared/clock.ts'
import { maxTextLength, registrationRequest } from '../../../shared/contracts/vlt-clients.ts'
import type { FieldComplaint } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import type { Tx } from '../../database/schema.ts'
import type { Key, WorkAnswer } from '../../idempotency/idempotency.ts'
import type { Answer } from '../../plugins/answer.ts'
import type { Vault } from '../../security/vault.ts'
import { invalid, malformedKey, noDestination, outcomeAnswer } from './dialect.ts'
import { lockNames, register } from './service.ts'

/** Where the system's paths begin, and the scope of its idempotency keys. */
export const scope = '/api/clientes'

export interface Registering {
  /** Name of the client system that registrations are for; without one they are refused with 503. */
  destination: string | undefined
  vault: Vault
  clock: Clock
  log: Log
}

/** A registration whichever way it came: refused as it stands, or what is to be done, once, in a transaction. */
export function readRegistration(
  input: Record<string, unknown> = {},
  key: Key,
  { destination, vault, clock, log }: Registering,
  consentText: string | null = null,
): { refused: Answer } | { locks: string[]; work: (tx: Tx) => Promise<WorkAnswer> } {
  const { data } = registrationRequest.safeParse(input)
  if (data === undefined || key === 'malformed') return { refused: complain(input, key) }
  if (destination === undefined) return { refused: noDestination }
  // The contract has seen to it that the field is text, and looked at it without the blanks around it.
  const asSent = String(input['tarjeta'])
  const tarjeta = asSent.length > maxTextLength ? asSent.trim() : asSent
  return {
    locks: lockNames(vault, data),
    work: async (tx) => {
      const outcome = await register(tx, vault, data, { tarjeta, consentText }, clock.now())
      const { clientId, owner } = outcome
      if (outcome.alias) log.info({ clientId }, 'client found by document')
      const answer = { ...outcomeAnswer(outcome, tarjeta), subject: `client ${String(clientId)}` }
      return owner === undefined ? answer : { ...answer, aside: { owner } }
    },
  }
}

/** Every complaint about the fields, then the one about the key. */
export function complain(input: Record<string, unknown>, key: Key): Answer {
  const issues = registrationRequest.safeParse(input).error?.issues ?? []
  const complaints: FieldComplaint[] = issues.map(({ path, message }) => ({
    field: String(path[0]),
    message,
  }))
  return invalid(key === 'malformed' ? [...complaints, malformedKey] : complaints)
}
