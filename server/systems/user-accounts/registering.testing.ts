import { sql } from 'kysely'
import { type Received, send, type Sent, type Testbed } from '../../testbed.testing.ts'

/** The document's example, to change; `undefined` leaves a field out. */
export function johndoe(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    usuarioLogin: 'johndoe',
    usuarioCorreo: 'john@example.com',
    usuarioPassword: 'securePass123',
    usuarioNombre: 'John',
    usuarioApellido: 'Doe',
    departamentoId: 5,
    usuarioCelular: '12345678',
    ...changes,
  }
}

/** Someone else than John for every number. */
export function person(n: number, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return johndoe({
    usuarioLogin: `person${String(n)}`,
    usuarioCorreo: `p${String(n)}@example.com`,
    ...changes,
  })
}

export const licence = { poseeLicencia: true, licenciaTipo: 3, licenciaNumero: '1234567890101' }

export function registerAccount(
  { port }: Pick<Testbed, 'port'>,
  body: Record<string, unknown>,
  sent: Sent = {},
): Promise<Received> {
  const headers = { 'content-type': 'application/json', ...sent.headers }
  return send(port, { path: '/api/register', ...sent, headers, body: JSON.stringify(body) })
}

/** Keeps registrations on PostgreSQL waiting before their first write, until `release`. */
export async function holdAccounts({ database }: Testbed): Promise<{ release: () => Promise<void> }> {
  const held = Promise.withResolvers<undefined>()
  const released = Promise.withResolvers<undefined>()
  const done = database.transact(async (tx) => {
    await sql`lock table user_accounts in exclusive mode`.execute(tx)
    held.resolve(undefined)
    await released.promise
  })
  await held.promise
  return {
    release: () => {
      released.resolve(undefined)
      return done
    },
  }
}
