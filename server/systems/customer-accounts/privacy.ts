import { lock } from '../../database/locks.ts'
import { type FindHolding, idOf } from '../../privacy/holding.ts'
import { accountSubject, type KeptProfile, profilePurpose } from './account.ts'
import { loginKey } from './login.ts'
import { addressLock, registrationKey } from './service.ts'
import { clearAttempts, findWholeAccount, forgetAccount } from './store.ts'

/**
 * What is held of a customer, by id.
 *
 * Erasing leaves an account of that id without a person: nobody logs in to it any more, and address and document
 * number are free for whoever registers next.
 */
export const findCustomerHolding: FindHolding = async (tx, vault, id) => {
  const accountId = idOf(id)
  const known = await findWholeAccount(tx, accountId)
  if (known === undefined) return undefined
  await lock(tx, [addressLock(known.email_index)])
  const account = (await findWholeAccount(tx, accountId)) ?? known
  const { email_index: address, profile } = account
  const isErased = profile === ''
  const customer = isErased ? null : (JSON.parse(vault.open(profilePurpose(address), profile)) as KeptProfile)
  return {
    subject: accountSubject(accountId),
    held: { account: { id: accountId, createdAt: account.created_at, erased: isErased, customer } },
    addresses: customer === null ? [] : [customer.email],
    erase: async () => {
      if (isErased) return []
      await forgetAccount(tx, accountId)
      await clearAttempts(tx, [registrationKey(address), loginKey(address)])
      return [profile, address, account.document_index, account.password_hash]
    },
  }
}
