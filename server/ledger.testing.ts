import { sql } from 'kysely'
import { expect } from 'vitest'
import type { Db } from './database/schema.ts'
import { exampleBody, send, type Received } from './testbed.testing.ts'

/** What a client was told of what it sent, to be held against what is stored. */
export interface Ledger {
  /**
   * Sends something that was not acknowledged once more, else something new, each under an idempotency key of its own.
   * Answers undefined where the connection broke.
   */
  sendOne(port: number): Promise<Received | undefined>
  /** Sent, and not known to be stored. */
  readonly open: ReadonlySet<number>
  /** What was sent, by number, and the id it got. */
  readonly acknowledged: ReadonlyMap<number, number>
  /** Everything acknowledged is stored under the id that was told; everything stored is stored once, and whole. */
  expectKept(db: Db): Promise<void>
}

// Registrations of clients, and between them a few sign-ups of users, because password hashes are dear.
const accountEvery = 40
const isAccount = (n: number): boolean => n % accountEvery === 0

export function createLedger(): Ledger {
  const open = new Set<number>()
  const flying = new Set<number>()
  const acknowledged = new Map<number, number>()
  let last = 0

  const sendNumber = async (port: number, n: number): Promise<Received | undefined> => {
    const { path, body } = isAccount(n) ? signUp(n) : registration(n)
    const headers = { 'content-type': 'application/json', 'idempotency-key': `n${String(n)}` }
    try {
      const answer = await send(port, { path, headers, body: JSON.stringify(body) })
      if (answer.status === 201) {
        const id = idIn(answer.body)
        expect(acknowledged.get(n) ?? id, `number ${String(n)}`).toBe(id)
        acknowledged.set(n, id)
        open.delete(n)
      }
      return answer
    } catch (error) {
      // A connection that was cut or refused; anything else is a failure.
      if (error instanceof Error && 'code' in error && /^E[A-Z]+$/.test(String(error.code))) return undefined
      throw error
    }
  }

  return {
    open,
    acknowledged,
    async sendOne(port) {
      const n = open.values().find((one) => !flying.has(one)) ?? ++last
      open.add(n)
      flying.add(n)
      try {
        return await sendNumber(port, n)
      } finally {
        flying.delete(n)
      }
    },
    async expectKept(db) {
      const [clients, accounts] = [await storedClients(db), await storedAccounts(db)]
      const known = [...acknowledged]
      const idOf = new Map(clients.map(({ n, id }) => [n, id]))
      const accountIds = new Set(accounts.map(({ id }) => id))
      expect(idOf.size, 'doubled').toBe(clients.length)
      for (const [n, id] of known) {
        expect(isAccount(n) ? accountIds.has(id) : idOf.get(n) === id, `number ${String(n)} is lost`).toBe(
          true,
        )
      }
      expect(new Set(known.filter(([n]) => isAccount(n)).map(([, id]) => id)).size).toBe(
        known.filter(([n]) => isAccount(n)).length,
      )
      // Whole or not at all, whether it was acknowledged or not.
      expect(
        clients.filter(({ cards, consents, keys }) => cards !== 1 || consents !== 3 || keys !== 1),
      ).toEqual([])
      expect(
        accounts.filter(({ reminders, requests, audited }) => reminders + requests + audited !== 5),
      ).toEqual([])
      const sent = (n: number) => acknowledged.has(n) || open.has(n)
      expect(clients.filter(({ n }) => !sent(n))).toEqual([])
      const { keys } = await keysOf(db, '/api/register')
      expect(keys).toBe(accounts.length)
    },
  }
}

function registration(n: number): { path: string; body: unknown } {
  const changes = { codigoClienteVLT: n, dni: String(n), tarjeta: n.toString(16).padStart(8, '0') }
  return { path: '/api/clientes/register', body: exampleBody(changes) }
}

/** With a licence, so that reminders are planned, and a role that staff has to grant, which is audited. */
function signUp(n: number): { path: string; body: unknown } {
  const nextYear = new Date().getFullYear() + 1
  return {
    path: '/api/register',
    body: {
      usuarioLogin: `user${String(n)}`,
      usuarioCorreo: `user${String(n)}@example.com`,
      usuarioPassword: 'securePass123',
      usuarioNombre: 'John',
      usuarioApellido: 'Doe',
      departamentoId: 5,
      usuarioRolId: 4,
      poseeLicencia: true,
      licenciaTipo: 3,
      licenciaNumero: '1234567890101',
      licenciaPrimerAnio: 2018,
      licenciaFechaVencimiento: `${String(nextYear)}-12-31`,
    },
  }
}

function idIn(body: string): number {
  const answer = JSON.parse(body) as { id: number } | { user: { usuario_id: number } }
  return 'user' in answer ? answer.user.usuario_id : answer.id
}

/** Counts come as text from one engine and as numbers from the other. */
function asNumbers<K extends string>(row: Record<K, string | number>): Record<K, number> {
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, Number(value)])) as Record<
    K,
    number
  >
}

async function storedClients(db: Db) {
  const { rows } = await sql<Record<'n' | 'id' | 'cards' | 'consents' | 'keys', string | number>>`
    select codigo_cliente_vlt as n, id,
      (select count(*) from cards where client_id = clients.id) as cards,
      (select count(*) from consents where client_id = clients.id) as consents,
      (select count(*) from idempotency_keys where key = 'n' || codigo_cliente_vlt) as keys
    from clients`.execute(db)
  return rows.map(asNumbers)
}

async function storedAccounts(db: Db) {
  const { rows } = await sql<Record<'id' | 'reminders' | 'requests' | 'audited', string | number>>`
    select id,
      (select count(*) from licence_reminders where account_id = user_accounts.id) as reminders,
      (select count(*) from role_requests where account_id = user_accounts.id) as requests,
      (select count(*) from audit_events where subject = 'user-account ' || user_accounts.id) as audited
    from user_accounts`.execute(db)
  return rows.map(asNumbers)
}

async function keysOf(db: Db, scope: string): Promise<{ keys: number }> {
  const { rows } = await sql<{ keys: string | number }>`
    select count(*) as keys from idempotency_keys where scope = ${scope}`.execute(db)
  return asNumbers(rows[0] ?? { keys: -1 })
}
