import { describe, expect, test, vi } from 'vitest'
import { engines, openTestbed, type Received, send, type Testbed } from '../../testbed.testing.ts'
import { holdAccounts, johndoe, licence, person, registerAccount } from './registering.testing.ts'

const accounts = ({ database: { db } }: Testbed) =>
  db.selectFrom('user_accounts').selectAll().orderBy('id').execute()
const requests = ({ database: { db } }: Testbed) =>
  db.selectFrom('role_requests').selectAll().orderBy('id').execute()
const reminders = ({ database: { db } }: Testbed) =>
  db.selectFrom('licence_reminders').selectAll().orderBy('due_on').execute()
const auditEvents = ({ database: { db } }: Testbed) =>
  db.selectFrom('audit_events').selectAll().orderBy('seq').execute()

const statuses = (answers: Received[]) => answers.map(({ status }) => status).sort()

describe.each(engines)('on %s', (engine) => {
  test('whoever missed the answer gets it again, also when the catalogue has changed since', async () => {
    await using bed = await openTestbed({ engine })
    const again = () =>
      send(bed.port, {
        path: '/api/register',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
        body: JSON.stringify(johndoe()),
      })
    const first = await again()
    expect(first.status).toBe(201)
    await bed.database.db.updateTable('departments').set({ active: 0 }).execute()
    const second = await again()
    expect([second.status, second.body]).toEqual([201, first.body])
    expect(second.headers['idempotency-replayed']).toBe('true')
    expect((await registerAccount(bed, person(2))).status).toBe(400)
  })

  describe('what a registration stores', () => {
    test('the person sealed, the password hashed, login and address by index alone', async () => {
      await using bed = await openTestbed({ engine })
      const sent = johndoe({
        usuarioFechaNacimiento: '2000-01-15T00:00:00Z',
        usuarioDpi: '2571 23456 0101',
        usuarioTipoDocumento: 1,
        usuarioNit: '1234567-8',
        ...licence,
        licenciaPrimerAnio: 2018,
        licenciaFechaVencimiento: '2026-12-31T23:00:00-06:00',
      })
      await registerAccount(bed, sent)
      const [account] = await accounts(bed)
      const { personal = '', password_hash = '', login_index = '', correo_index, ...plain } = account ?? {}
      expect(plain).toEqual({
        id: 1,
        departamento_id: 5,
        role_id: 1,
        licencia_tipo: 3,
        created_at: bed.clock.now(),
      })
      expect(JSON.parse(bed.vault.open(`user_accounts:${login_index}`, personal))).toEqual({
        usuarioLogin: 'johndoe',
        usuarioCorreo: 'john@example.com',
        usuarioNombre: 'John',
        usuarioApellido: 'Doe',
        usuarioFechaNacimiento: '2000-01-15',
        usuarioCelular: '12345678',
        usuarioDpi: '2571 23456 0101',
        usuarioTipoDocumento: 1,
        usuarioNit: '1234567-8',
        licenciaNumero: '1234567890101',
        licenciaPrimerAnio: 2018,
        licenciaFechaVencimiento: '2026-12-31',
      })
      expect(login_index).toBe(bed.vault.index('user_accounts.login', 'johndoe'))
      expect(correo_index).toBe(bed.vault.index('user_accounts.correo', 'john@example.com'))
      expect(await bed.passwords.verify('securePass123', password_hash)).toEqual({
        matches: true,
        outdated: false,
      })
      const stored = JSON.stringify([account, await reminders(bed), await auditEvents(bed)])
      for (const secret of ['johndoe', 'john@', 'Doe', '12345678', '2571', '2000-01-15', 'securePass']) {
        expect(stored.includes(secret), secret).toBe(false)
      }
    })

    test('a licence without the flag leaves nothing', async () => {
      await using bed = await openTestbed({ engine })
      await registerAccount(
        bed,
        johndoe({ ...licence, poseeLicencia: false, licenciaFechaVencimiento: '2027-01-01' }),
      )
      const [account] = await accounts(bed)
      expect(account?.licencia_tipo).toBeNull()
      expect(await reminders(bed)).toEqual([])
      const { login_index = '', personal = '' } = account ?? {}
      expect(bed.vault.open(`user_accounts:${login_index}`, personal)).not.toContain('licencia')
    })

    test('refused registrations leave nothing', async () => {
      await using bed = await openTestbed({ engine })
      await registerAccount(bed, johndoe())
      const wrong = [
        johndoe({ usuarioRolId: 4, licenciaFechaVencimiento: '2027-01-01', ...licence }),
        person(2, { departamentoId: 23, usuarioRolId: 4 }),
        person(3, { ...licence, licenciaTipo: 9, usuarioRolId: 4 }),
      ]
      expect(statuses(await Promise.all(wrong.map((body) => registerAccount(bed, body))))).toEqual([
        400, 400, 409,
      ])
      expect([await accounts(bed), await requests(bed), await reminders(bed)]).toMatchObject([
        [{ id: 1 }],
        [],
        [],
      ])
      expect(await auditEvents(bed)).toEqual([])
    })
  })

  describe('roles', () => {
    test.for<[string, number | undefined, number, number | undefined]>([
      ['none asked for', undefined, 1, undefined],
      ['the default', 1, 1, undefined],
      ['one that is open to everybody', 2, 2, undefined],
      ['one with privileges', 4, 1, 4],
      ['one that does not exist', 77, 1, 77],
      ['role 0', 0, 1, 0],
      ['one that is over', 5, 1, 5],
    ])('%s', async ([, asked, given, parked]) => {
      await using bed = await openTestbed({ engine })
      const { db } = bed.database
      await db.updateTable('roles').set({ self_registration: 1 }).where('id', '=', 2).execute()
      const over = {
        id: 5,
        name: 'Old',
        active: 0,
        privileged: 0,
        self_registration: 0,
        is_default: 0,
      } as const
      await db.insertInto('roles').values(over).execute()

      const { status, body } = await registerAccount(bed, johndoe({ usuarioRolId: asked }))
      expect(status).toBe(201)
      expect(body).not.toMatch(/rol/i)
      expect((await accounts(bed)).map(({ role_id }) => role_id)).toEqual([given])
      const at = bed.clock.now()
      expect(await requests(bed)).toEqual(
        parked === undefined
          ? []
          : [{ id: 1, account_id: 1, role_id: parked, state: 'pending', requested_at: at, settled_at: null }],
      )
      expect(
        (await auditEvents(bed)).map(({ action, actor, subject, details }) => [
          action,
          actor,
          subject,
          details,
        ]),
      ).toEqual(
        parked === undefined
          ? []
          : [['role-requested', 'anonymous', 'user-account 1', JSON.stringify({ role: parked })]],
      )
    })

    test('the database itself refuses a list that strangers must not see', async () => {
      await using bed = await openTestbed({ engine })
      const set = (id: number, change: Record<string, 0 | 1>) =>
        bed.database.db.updateTable('roles').set(change).where('id', '=', id).execute()
      await expect(set(4, { self_registration: 1 })).rejects.toThrow()
      await expect(set(1, { privileged: 1 })).rejects.toThrow()
      await expect(set(1, { active: 0 })).rejects.toThrow()
      await expect(set(1, { self_registration: 0 })).rejects.toThrow()
      await expect(set(2, { is_default: 1 })).rejects.toThrow()
      await expect(set(2, { self_registration: 1, is_default: 1 })).rejects.toThrow()
    })

    test('without a default role nobody is registered', async () => {
      await using bed = await openTestbed({ engine })
      await bed.database.db.updateTable('roles').set({ is_default: 0, self_registration: 0 }).execute()
      const { status, body } = await registerAccount(bed, johndoe({ usuarioRolId: 4 }))
      expect([status, body]).toEqual([500, '{"error":"Error interno al registrar usuario"}'])
      expect(await accounts(bed)).toEqual([])
    })
  })

  describe('at the same time', () => {
    /**
     * As many registrations at once. On PostgreSQL none may write before eight want to, which leaves some of its ten
     * connections to the others; on SQLite, with one connection, whoever holds up the writer holds up all.
     */
    async function all(bed: Testbed, bodies: Record<string, unknown>[], headers = {}): Promise<Received[]> {
      const post = (body: Record<string, unknown>) => registerAccount(bed, body, { headers })
      if (engine === 'sqlite') return Promise.all(bodies.map(post))
      const busy = await holdAccounts(bed)
      const writes = vi.spyOn(bed.database, 'transact')
      let answered = 0
      const answers = bodies.map(async (body) => {
        const answer = await post(body)
        answered += 1
        return answer
      })
      await vi.waitFor(
        () => {
          expect(writes.mock.calls.length + answered).toBeGreaterThanOrEqual(8)
        },
        { timeout: 20_000, interval: 10 },
      )
      await busy.release()
      return Promise.all(answers)
    }
    const conflicts = (count: number) => [201, ...Array.from({ length: count }, () => 409)]
    const casing = (text: string, n: number) =>
      Array.from(text, (letter, place) =>
        (n >> (place % 5)) % 2 === 0 ? letter : letter.toUpperCase(),
      ).join('')

    test('20 registrations of one login in all its spellings make one account', async () => {
      await using bed = await openTestbed({ engine })
      const bodies = Array.from({ length: 20 }, (_, n) => person(n, { usuarioLogin: casing('johndoe', n) }))
      const answers = await all(bed, bodies)
      expect(statuses(answers)).toEqual(conflicts(19))
      expect(new Set(answers.filter(({ status }) => status === 409).map(({ body }) => body))).toEqual(
        new Set(['{"error":"Login o correo ya registrado"}']),
      )
      expect(await accounts(bed)).toHaveLength(1)
    })

    test('20 registrations of one address in all its spellings make one account', async () => {
      await using bed = await openTestbed({ engine })
      const bodies = Array.from({ length: 20 }, (_, n) =>
        person(n, { usuarioCorreo: casing('john@example.com', n), usuarioRolId: 4, ...licence }),
      )
      expect(statuses(await all(bed, bodies))).toEqual(conflicts(19))
      expect([(await accounts(bed)).length, (await requests(bed)).length]).toEqual([1, 1])
    })

    test('login of one and address of another: crosswise pairs never both get in', async () => {
      await using bed = await openTestbed({ engine })
      const bodies = Array.from({ length: 20 }, (_, n) =>
        johndoe({
          usuarioLogin: `login${String(n % 4)}`,
          usuarioCorreo: `mail${String((n * 3) % 5)}@example.com`,
        }),
      )
      const answers = await all(bed, bodies)
      expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
      const created = answers.filter(({ status }) => status === 201)
      expect(created.length).toBe((await accounts(bed)).length)
      expect(created.length).toBeGreaterThan(0)
      expect(created.length).toBeLessThanOrEqual(4)
    })

    test('one key registers once, and its answers never contradict each other', async () => {
      await using bed = await openTestbed({ engine })
      const bodies = Array.from({ length: 8 }, () => johndoe())
      const answers = await all(bed, bodies, { 'idempotency-key': 'one' })
      const inProgress = answers.filter(({ status }) => status === 409)
      for (const { headers, body } of inProgress) {
        expect(body).toBe('{"error":"Ya hay una solicitud en curso con esta Idempotency-Key"}')
        expect(headers).toMatchObject({ 'retry-after': '1', 'idempotency-key-state': 'in-progress' })
      }
      const created = answers.filter(({ status }) => status === 201)
      expect(new Set(created.map(({ body }) => body)).size).toBe(1)
      expect(created.length + inProgress.length).toBe(8)
      if (engine === 'postgres') expect(inProgress.length).toBe(7)
      expect(await accounts(bed)).toHaveLength(1)
    })

    test('20 different people get ids of their own', async () => {
      await using bed = await openTestbed({ engine })
      const answers = await all(
        bed,
        Array.from({ length: 20 }, (_, n) => person(n)),
      )
      const ids = answers.map(
        ({ body }) => (JSON.parse(body) as { user: { usuario_id: number } }).user.usuario_id,
      )
      expect(new Set(ids).size).toBe(20)
      expect(await accounts(bed)).toHaveLength(20)
    })
  })

  test('the token of a replay is the first one', async () => {
    await using bed = await openTestbed({ engine })
    const headers = { 'idempotency-key': 'k' }
    const first = await registerAccount(bed, johndoe(), { headers })
    bed.clock.advance(60_000)
    const again = await registerAccount(bed, johndoe(), { headers })
    expect([again.status, again.body]).toEqual([201, first.body])
  })

  test('a catalogue changed beside the running server counts at once', async () => {
    await using bed = await openTestbed({ engine })
    const { db } = bed.database
    await db.updateTable('departments').set({ active: 0 }).where('id', '=', 5).execute()
    await db.updateTable('licence_types').set({ active: 0 }).where('id', '=', 3).execute()
    expect(JSON.parse((await registerAccount(bed, johndoe())).body)).toEqual({
      error: 'Datos inválidos',
      details: [{ field: 'departamentoId', message: 'Department does not exist' }],
    })
    const { body } = await registerAccount(bed, johndoe({ departamentoId: 6, ...licence }))
    expect(JSON.parse(body)).toEqual({ error: 'Tipo de licencia invalido' })
  })

  test('a token whose account is gone is worth nothing', async () => {
    await using bed = await openTestbed({ engine })
    const { token } = JSON.parse((await registerAccount(bed, johndoe())).body) as { token: string }
    const foreign = await bed.tokens.sign({ cliente_id: 1 })
    await bed.database.db.deleteFrom('user_accounts').execute()
    for (const bearer of [token, foreign, await bed.tokens.sign({ usuario_id: '1' })]) {
      const headers = { authorization: `Bearer ${bearer}` }
      const { status, body } = await send(bed.port, { method: 'GET', path: '/v1/me', headers })
      expect([status, body]).toEqual([401, '{"error":"Token inválido o caducado"}'])
    }
  })
})
