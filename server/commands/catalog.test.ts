import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openPlace, type Place } from '../place.testing.ts'
import { johndoe, registerAccount } from '../systems/user-accounts/registering.testing.ts'
import { engines } from '../testbed.testing.ts'

const program = fileURLToPath(new URL('../cli.ts', import.meta.url))

async function run(
  place: Place,
  ...args: string[]
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const child = await place.run(...args)
  return { code: await child.ended, stdout: child.stdout(), stderr: child.stderr() }
}

function file(place: Place, text: string | Buffer): string {
  const path = join(place.folder, 'catalogue.csv')
  writeFileSync(path, text)
  return path
}

describe.each(engines)('on %s', (engine) => {
  test('what is listed as CSV can be edited and imported, beside a running server that follows at once', async () => {
    await using place = await openPlace(engine)
    const server = await place.serve()
    const port = server.port ?? 0

    const listed = await run(place, 'catalog', 'list', 'departments', '--csv')
    expect(listed.stdout.split('\n').slice(0, 3)).toEqual([
      'id,name,active',
      '1,Guatemala,true',
      '2,El Progreso,true',
    ])
    const edited = listed.stdout.replace('5,Escuintla,true\n', '') + '23,Belice,true\n'
    const dry = await run(place, 'catalog', 'import', 'departments', file(place, edited), '--dry-run')
    expect(dry).toEqual({
      code: 0,
      stdout: 'departments: 1 added, 0 changed, 1 deactivated, 21 unchanged (dry run: nothing was changed)\n',
      stderr: '',
    })
    expect((await registerAccount({ port }, johndoe())).status).toBe(201)

    const done = await run(place, 'catalog', 'import', 'departments', file(place, edited), '--json')
    expect(JSON.parse(done.stdout)).toMatchObject({ added: [23], changed: [], deactivated: [5], closed: [] })
    const other = { usuarioLogin: 'b', usuarioCorreo: 'b@example.com' }
    expect((await registerAccount({ port }, johndoe(other))).status).toBe(400)
    expect((await registerAccount({ port }, johndoe({ ...other, departamentoId: 23 }))).status).toBe(201)
    const [fifth] = (
      JSON.parse((await run(place, 'catalog', 'list', 'departments', '--json')).stdout) as { id: number }[]
    ).filter(({ id }) => id === 5)
    expect(fifth).toEqual({ id: 5, name: 'Escuintla', active: false })
  }, 60_000)

  test('all catalogues are listed for people and for programs', async () => {
    await using place = await openPlace(engine)
    const { stdout } = await run(place, 'catalog', 'list')
    const lines = stdout.split('\n')
    expect(lines.filter((line) => line.startsWith('ID'))).toHaveLength(3)
    expect(lines.find((line) => line.includes('Usuario'))).toMatch(
      /^1 .* active, self-registration, default$/,
    )
    const all = JSON.parse((await run(place, 'catalog', 'list', '--json')).stdout) as Record<
      string,
      unknown[]
    >
    expect(Object.entries(all).map(([name, entries]) => [name, entries.length])).toEqual([
      ['departments', 22],
      ['roles', 4],
      ['licence-types', 5],
    ])
  })

  test('a wrong file changes nothing, and every wrong line is named', async () => {
    await using place = await openPlace(engine)
    const before = (await run(place, 'catalog', 'list', '--json')).stdout
    const text = 'id,name,privileged,default\n1,Usuario,no,yes\n9,Jefe,perhaps,no\n9,Otro,no,yes\n'
    expect(await run(place, 'catalog', 'import', 'roles', file(place, text))).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'error catalog-invalid: the file is wrong:\n' +
        '  line 3: privileged must be true or false\n' +
        '  line 4: id 9 stands in line 3 too\n' +
        'hint: Correct the lines named above and import again: nothing was changed.\n',
    })
    expect((await run(place, 'catalog', 'list', '--json')).stdout).toBe(before)
  })
})

test('standard input is a file too, also with a byte order mark', async () => {
  await using place = await openPlace('sqlite')
  const args = [program, 'catalog', 'import', 'licence-types', '-', '--data', place.folder]
  const input = '\ufeffid;name\r\n1;Tipo A\r\n2;"Tipo B; con remolque"\r\n'
  expect(execFileSync(execPath, args, { input, encoding: 'utf8' })).toBe(
    'licence-types: 0 added, 1 changed, 3 deactivated, 1 unchanged\n',
  )
  const { status, stderr } = spawnSync(execPath, args, { input: '', encoding: 'utf8' })
  expect([status, stderr.split('\n')[1]]).toEqual([2, '  line 1: the header lacks id, name'])
})

test.for<[string, string[], number, string]>([
  ['no catalogue', ['catalog', 'import', 'colours', 'x.csv'], 2, 'error usage: "colours" is no catalogue'],
  [
    'a file that is not there',
    ['catalog', 'import', 'roles', '/nowhere.csv'],
    2,
    'error catalog-unreadable: cannot read /nowhere.csv (ENOENT)',
  ],
  ['CSV of all', ['catalog', 'list', '--csv'], 2, 'error usage: --csv needs a catalogue'],
])('%s', async ([, args, code, first]) => {
  await using place = await openPlace('sqlite')
  const ended = await run(place, ...args)
  expect([ended.code, ended.stdout]).toEqual([code, ''])
  expect(ended.stderr).toContain(first)
  expect(ended.stderr).toContain('\nhint: ')
})
