import { z } from 'zod'
import { registrationAnswer, registrationPath } from '../../../shared/contracts/user-accounts.ts'
import { classifyAlone, type RemoteSystem } from './system.ts'

/** What proves an account: the token is a way into it, the rest is who the person is. Neither is kept. */
const receipt = z.object({ user: registrationAnswer.shape.user.pick({ usuario_id: true }) })

/** A login or an e-mail address that exists is a 409, also where our own lost attempt made it. */
export const userAccounts: RemoteSystem = {
  path: registrationPath,
  repeatMayConflict: true,
  bodyOf: (body) => ({ body }),
  classify: (response, isRepeat) =>
    classifyAlone(response, isRepeat, {
      receiptOf: (body) => {
        const parsed = receipt.safeParse(body)
        return parsed.success ? JSON.stringify(parsed.data) : undefined
      },
      taken: { statuses: [409], error: 'account-taken' },
      refusesUs: 'server-refuses-us',
    }),
}
