import {
  openTestbed,
  send,
  type Received,
  type Sent,
  type Testbed,
  type TestPlace,
} from '../../testbed.testing.ts'
import type { Engine } from '../../database/schema.ts'
import { type Accounts, createAccounts } from './accounts/accounts.ts'

export const registrationRoute = '/api/digital/crear/registro.php'
export const publicUrl = 'https://registro.example'
export const password = 'MiClaveSegura'

export interface Registry extends Testbed {
  readonly accounts: Accounts
  readonly entityId: number
}

export interface RegistryOptions {
  engine: Engine
  flags?: Record<string, unknown>
  trustedProxy?: string[]
  /** An empty place of its own unless told. */
  place?: TestPlace
}

/** A whole server with one entity and its API user 123456789; peers on this machine may come by plain HTTP. */
export async function openRegistry({
  engine,
  flags,
  trustedProxy,
  place,
}: RegistryOptions): Promise<Registry> {
  await using stack = new AsyncDisposableStack()
  const bed = stack.use(
    await openTestbed({
      engine,
      ...(trustedProxy === undefined ? {} : { trustedProxy }),
      ...(place === undefined ? {} : { place }),
      flags: { insecureLoopback: true, publicUrl, ...flags },
    }),
  )
  const accounts = createAccounts(bed, bed.clock)
  const { id: entityId } = await accounts.addEntity('Banco Ejemplo S.A.')
  await accounts.addApiUser({ username: '123456789', password, entityId, api: true })
  const opened = stack.move()
  return { ...bed, accounts, entityId, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** The request of the document, as an object to change. */
export function exampleRequest(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    Username: '123456789',
    Password: password,
    Dni: '987654321',
    TipoDni: '1',
    Nombres: 'Jorge Salamanca',
    ...changes,
  }
}

/** Posts the document's request with changes; `undefined` leaves a field out. */
export function ask(port: number, changes: Record<string, unknown> = {}, sent: Sent = {}): Promise<Received> {
  return send(port, {
    path: registrationRoute,
    ...sent,
    headers: { 'content-type': 'application/json', ...sent.headers },
    body: sent.body ?? JSON.stringify(exampleRequest(changes)),
  })
}

/** Registers the document's citizen and answers the code. */
export async function newCode(port: number, changes: Record<string, unknown> = {}): Promise<string> {
  const { status, body } = await ask(port, changes)
  if (status !== 200) throw new Error(`not registered: ${body}`)
  return (JSON.parse(body) as { data: { Codigo: string } }).data.Codigo
}
