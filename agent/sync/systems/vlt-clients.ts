import { registrationPath } from '../../../shared/contracts/vlt-clients.ts'
import { classify } from '../classify.ts'
import type { RemoteSystem } from './system.ts'

/** Its answers speak for the server as a whole: they pause and pace everything. A repeated card is a duplicate. */
export const vltClients: RemoteSystem = {
  path: registrationPath,
  repeatMayConflict: false,
  bodyOf: (body) => ({ body }),
  classify,
}
