import type { System } from '../../outbox/registration.ts'
import { digitalRegistryForm } from './digital-registry.ts'
import type { Form } from './form.ts'
import { userAccountForm } from './user-account.ts'

export type QueuedSystem = Exclude<System, 'vlt-clients'>

/** The systems without a card whose registrations wait in the outbox; what a form accepts is the body, as JSON text. */
export const queuedForms: Record<QueuedSystem, Form<string>> = {
  'digital-registry': digitalRegistryForm,
  'user-accounts': userAccountForm,
}

const secretFields = Object.values(queuedForms)
  .flatMap(({ fields }) => fields)
  .filter(({ kind }) => kind === 'secret')
  .map(({ name }) => name)

/** A stored body as it may be shown and written to files: without passwords. */
export function withoutSecrets(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body
  const hidden = secretFields.filter((field) => field in body).map((field) => [field, '…'])
  return { ...body, ...Object.fromEntries(hidden) }
}
