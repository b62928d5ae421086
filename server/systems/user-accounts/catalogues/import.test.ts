import { describe, expect, test } from 'vitest'
import { engines, openTestbed, type Testbed } from '../../../testbed.testing.ts'
import { johndoe, registerAccount } from '../registering.testing.ts'
import { createRoleDesk } from '../roles/roles.ts'
import type { CatalogueName } from './entry.ts'
import { importEntries } from './import.ts'
import { readCsv } from './read-csv.ts'
import { listEntries, listRoles } from './store.ts'
import { writeCsv } from './write-csv.ts'

const nothing = { added: [], changed: [], deactivated: [], unchanged: [], closed: [] }

function take({ database, audit }: Testbed, name: CatalogueName, text: string, dryRun = false) {
  const bytes = Buffer.from(text)
  const file =
    name === 'roles' ? { name, entries: readCsv(name, bytes) } : { name, entries: readCsv(name, bytes) }
  return database.transact((tx) => importEntries(tx, audit, file, dryRun))
}

const departments = ({ database }: Testbed) => database.query((db) => listEntries(db, 'departments'))
const roles = ({ database }: Testbed) => database.query(listRoles)
const open = async (bed: Testbed) =>
  (await roles(bed)).filter(({ selfRegistration }) => selfRegistration).map(({ id }) => id)
const auditEvents = async ({ database: { db } }: Testbed) =>
  (await db.selectFrom('audit_events').selectAll().orderBy('seq').execute()).map(
    ({ action, subject, details }) => `${action} ${subject} ${details}`,
  )

const roleHeader = 'id,name,privileged,default'

describe.each(engines)('on %s', (engine) => {
  test('the defaults are what the program comes with', async () => {
    await using bed = await openTestbed({ engine })
    const names = (await departments(bed)).map(({ id, name }) => `${String(id)} ${name}`)
    expect([names.length, names[0], names[15], names[21]]).toEqual([
      22,
      '1 Guatemala',
      '16 Alta Verapaz',
      '22 Jutiapa',
    ])
    expect((await roles(bed)).filter((role) => role.default)).toMatchObject([
      { id: 1, selfRegistration: true, privileged: false },
    ])
    expect(await open(bed)).toEqual([1])
  })

  test('a catalogue becomes what the file says; what it leaves out is over, not gone', async () => {
    await using bed = await openTestbed({ engine })
    await registerAccount(bed, johndoe({ departamentoId: 22 }))
    const kept = Array.from({ length: 20 }, (_, n) => n + 2)
    const lines = (await departments(bed)).filter(({ id }) => kept.includes(id) && id > 2)
    const text = [
      'id,name',
      '2,EL PROGRESO',
      ...lines.map(({ id, name }) => `${String(id)},${name}`),
      '23,Belice',
    ]
    expect(await take(bed, 'departments', text.join('\n'))).toEqual({
      ...nothing,
      added: [23],
      changed: [2],
      deactivated: [1, 22],
      unchanged: kept.slice(1),
    })
    const after = await departments(bed)
    expect(after.length).toBe(23)
    expect(after.filter(({ active }) => !active)).toEqual([
      { id: 1, name: 'Guatemala', active: false },
      { id: 22, name: 'Jutiapa', active: false },
    ])
    expect(after.find(({ id }) => id === 2)?.name).toBe('EL PROGRESO')
    expect(await auditEvents(bed)).toEqual([
      'catalog-imported catalog departments {"added":1,"changed":1,"deactivated":2}',
    ])
    // Registrations follow at once.
    const other = { usuarioLogin: 'b', usuarioCorreo: 'b@example.com' }
    expect((await registerAccount(bed, johndoe({ ...other, departamentoId: 22 }))).status).toBe(400)
    expect((await registerAccount(bed, johndoe({ ...other, departamentoId: 23 }))).status).toBe(201)
  })

  test('the same file again changes nothing, and is no event', async () => {
    await using bed = await openTestbed({ engine })
    const text = 'id,name\n1,Uno\n2,Dos\n'
    await take(bed, 'licence-types', text)
    expect(await take(bed, 'licence-types', text)).toEqual({ ...nothing, unchanged: [1, 2, 3, 4, 5] })
    expect(await auditEvents(bed)).toHaveLength(1)
  })

  test.for(['departments', 'roles', 'licence-types'] as const)(
    'what is listed as CSV changes nothing: %s',
    async (name) => {
      await using bed = await openTestbed({ engine })
      const entries =
        name === 'roles' ? await roles(bed) : await bed.database.query((db) => listEntries(db, name))
      const changes = await take(bed, name, writeCsv(entries).join('\n'))
      expect(changes).toEqual({ ...nothing, unchanged: entries.map(({ id }) => id) })
    },
  )

  test('a dry run tells the same and changes nothing', async () => {
    await using bed = await openTestbed({ engine })
    const text = `${roleHeader}\n1,Usuario,no,no\n7,Visita,no,yes\n`
    const before = await roles(bed)
    const told = await take(bed, 'roles', text, true)
    expect([await roles(bed), await auditEvents(bed)]).toEqual([before, []])
    expect(await take(bed, 'roles', text)).toEqual(told)
    expect(told).toEqual({ ...nothing, added: [7], changed: [1], deactivated: [2, 3, 4] })
  })

  describe('roles open to everybody', () => {
    test('a new default is one of them, and the old one stays', async () => {
      await using bed = await openTestbed({ engine })
      await take(bed, 'roles', `${roleHeader}\n1,Usuario,no,no\n2,Conductor,no,yes\n4,Administrador,yes,no\n`)
      expect(await open(bed)).toEqual([1, 2])
      expect((await roles(bed)).filter((role) => role.default)).toMatchObject([{ id: 2 }])
    })

    test('who gets privileges, or is over, is none of them any more', async () => {
      await using bed = await openTestbed({ engine })
      const desk = createRoleDesk(bed, bed.clock)
      await desk.allow(2)
      const added = `${roleHeader}\n1,Usuario,no,yes\n2,Conductor,no,no\n6,Socio,no,no\n`
      await take(bed, 'roles', added)
      await desk.allow(6)
      const changes = await take(bed, 'roles', `${roleHeader}\n1,Usuario,no,yes\n2,Conductor,yes,no\n`)
      expect(changes).toMatchObject({ changed: [2], deactivated: [6], closed: [2, 6] })
      expect(await open(bed)).toEqual([1])
      // Nor once it is back as it was.
      await take(bed, 'roles', added)
      expect(await open(bed)).toEqual([1])
    })

    test('an import opens none but the default', async () => {
      await using bed = await openTestbed({ engine })
      const text = Array.from({ length: 50 }, (_, n) => `${String(n + 10)},Rol,no,${n === 7 ? 'yes' : 'no'}`)
      await take(bed, 'roles', [roleHeader, ...text].join('\n'))
      expect(await open(bed)).toEqual([17])
    })
  })

  test('imports at once leave one of the files, whole', async () => {
    await using bed = await openTestbed({ engine })
    const files = [1, 2, 3, 4, 5, 6].map(
      (n) =>
        `${roleHeader}\n1,A${String(n)},no,${n % 2 === 0 ? 'yes' : 'no'}\n2,B${String(n)},no,${n % 2 === 0 ? 'no' : 'yes'}\n`,
    )
    await Promise.all(files.map((text) => take(bed, 'roles', text)))
    const [first, second] = await roles(bed)
    expect(first?.name.slice(1)).toBe(second?.name.slice(1))
    expect((await roles(bed)).filter((role) => role.default)).toHaveLength(1)
  })
})
