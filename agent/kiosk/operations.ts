import { z } from 'zod'
import { AppError } from '../../shared/errors.ts'
import type { CallContext, Handlers } from '../control/server.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { KioskStatus } from './channel.ts'
import type { Membership } from './membership.ts'

const joining = z.object({ serverUrl: z.url(), code: z.string(), name: z.string() })
const leaving = z.object({ unsent: z.int().nonnegative() })

/** Methods of the control socket about who this machine is. */
export function kioskOperations({ membership, outbox }: { membership: Membership; outbox: Outbox }) {
  return {
    'kiosk.join': (params: unknown, { signal }: CallContext): Promise<KioskStatus> => {
      const { serverUrl, code, name } = joining.parse(params)
      return membership.join(serverUrl, code, name, signal)
    },

    'kiosk.rotate': (_params: unknown, { signal }: CallContext): Promise<KioskStatus> =>
      membership.rotate(signal),

    /** `unsent`: so many registrations were taken out of this machine, and may be left on it. */
    'kiosk.leave': (params: unknown): Promise<KioskStatus> => {
      const { unsent } = leaving.parse(params)
      const { pending, dead } = outbox.counts()
      if (pending + dead > unsent) {
        throw new AppError('leave-refused', `${String(pending + dead)} registrations have not been delivered`)
      }
      return membership.leave()
    },
  } satisfies Handlers
}
