import { lock } from '../../database/locks.ts'
import { type FindHolding, idOf } from '../../privacy/holding.ts'
import { accountSubject, openPerson } from './person.ts'
import { remindersLock } from './reminders.ts'
import { findWholeAccount, forgetAccount, listReminders, listRoleRequests } from './store.ts'

/**
 * What is held of a user account, by id.
 *
 * Erasing leaves an account of that id without a person: its tokens end, it is reminded of nothing and asks for no
 * role, and login and e-mail address are free for whoever registers next.
 */
export const findAccountHolding: FindHolding = async (tx, vault, id) => {
  const accountId = idOf(id)
  // A reminder on its way would put the address into a mail again.
  await lock(tx, [remindersLock])
  const account = await findWholeAccount(tx, accountId)
  if (account === undefined) return undefined
  const person = openPerson(vault, account)
  const requests = await listRoleRequests(tx, accountId)
  const reminders = await listReminders(tx, accountId)
  return {
    subject: accountSubject(accountId),
    held: {
      account: {
        id: accountId,
        createdAt: account.created_at,
        departamentoId: account.departamento_id,
        roleId: account.role_id,
        licenciaTipo: account.licencia_tipo,
        erased: person === undefined,
        person: person ?? null,
      },
      roleRequests: requests.map(({ role_id, state, requested_at, settled_at }) => ({
        roleId: role_id,
        state,
        requestedAt: requested_at,
        settledAt: settled_at,
      })),
      licenceReminders: reminders.map(({ due_on, expires_on, state, settled_at }) => ({
        dueOn: due_on,
        expiresOn: expires_on,
        state,
        settledAt: settled_at,
      })),
    },
    addresses: person === undefined ? [] : [person.usuarioCorreo],
    erase: async (at) => {
      if (person === undefined) return []
      await forgetAccount(tx, accountId, at)
      return [account.personal, account.login_index, account.correo_index, account.password_hash]
    },
  }
}
