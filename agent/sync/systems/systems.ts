import type { System } from '../../outbox/registration.ts'
import { digitalRegistry, type RegistryAccess } from './digital-registry.ts'
import type { RemoteSystem } from './system.ts'
import { userAccounts } from './user-accounts.ts'
import { vltClients } from './vlt-clients.ts'

export type RemoteSystems = Record<System, RemoteSystem>

/** Every system that registrations are queued for. customer-accounts is not among them: its steps need a person. */
export function remoteSystems(access: { registry: RegistryAccess }): RemoteSystems {
  return {
    'vlt-clients': vltClients,
    'digital-registry': digitalRegistry(access.registry),
    'user-accounts': userAccounts,
  }
}
