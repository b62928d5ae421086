import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openPlace, type Place } from '../place.testing.ts'
import { johndoe, registerAccount } from '../systems/user-accounts/registering.testing.ts'
import { engines, send } from '../testbed.testing.ts'

interface Listed {
  kind: string
  id: string | null
  use: string
}

async function run(
  place: Place,
  ...args: string[]
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const child = await place.run('keys', ...args)
  return { code: await child.ended, stdout: child.stdout(), stderr: child.stderr() }
}

async function list(place: Place): Promise<Listed[]> {
  return JSON.parse((await run(place, 'list', '--json')).stdout) as Listed[]
}

async function me(port: number, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  return (await send(port, { method: 'GET', path: '/v1/me', headers })).status
}

const tokenOf = ({ body }: { body: string }) => (JSON.parse(body) as { token: string }).token
const kidOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid

describe.each(engines)('on %s', (engine) => {
  test('keys are listed by name, and never themselves', async () => {
    await using place = await openPlace(engine)
    const keys = JSON.parse(readFileSync(place.core.keysFile, 'utf8')) as {
      data: [{ id: string; key: string }]
      tokens: [{ id: string; key: string }]
      index: string
      pepper: string
    }
    const { code, stdout } = await run(place, 'list')
    expect(code).toBe(0)
    expect(await list(place)).toEqual([
      { kind: 'tokens', id: keys.tokens[0].id, use: 'signs tokens' },
      { kind: 'data', id: keys.data[0].id, use: 'seals personal data' },
      { kind: 'index', id: null, use: 'finds people; never changes' },
      { kind: 'pepper', id: null, use: 'part of every password hash; never changes' },
    ])
    for (const secret of [keys.tokens[0].key, keys.data[0].key, keys.index, keys.pepper]) {
      expect(stdout).not.toContain(secret)
    }
  })

  test('a server goes on with the keys it has read, and takes the new ones when it is started again', async () => {
    await using place = await openPlace(engine)
    const first = await place.serve()
    const old = tokenOf(await registerAccount({ port: first.port ?? 0 }, johndoe()))
    const rotated = await run(place, 'rotate', 'tokens', '--json')
    const { id } = JSON.parse(rotated.stdout) as { id: string }
    expect(rotated.stderr).toContain('restart every server')
    await run(place, 'rotate', 'data')
    expect(readdirSync(place.folder).filter((name) => name.startsWith('keys'))).toEqual(['keys.json'])
    expect(statSync(join(place.folder, 'keys.json')).mode & 0o777).toBe(0o600)

    expect(await me(first.port ?? 0, old)).toBe(200)
    const second = { usuarioLogin: 'b', usuarioCorreo: 'b@example.com' }
    const still = tokenOf(await registerAccount({ port: first.port ?? 0 }, johndoe(second)))
    expect(kidOf(still)).toBe(kidOf(old))
    first.process.kill('SIGTERM')
    await first.ended

    const { port = 0 } = await place.serve()
    const third = { usuarioLogin: 'c', usuarioCorreo: 'c@example.com' }
    const fresh = tokenOf(await registerAccount({ port }, johndoe(third)))
    expect(kidOf(fresh)).toBe(id)
    expect([await me(port, old), await me(port, still), await me(port, fresh)]).toEqual([200, 200, 200])
    expect((await registerAccount({ port }, johndoe())).status).toBe(409)
  }, 60_000)

  test('after two rotations the first token key is over', async () => {
    await using place = await openPlace(engine)
    const [first] = await list(place)
    await run(place, 'rotate', 'tokens')
    const [second] = await list(place)
    expect((await run(place, 'rotate', 'tokens')).code).toBe(0)
    const tokens = (await list(place)).filter(({ kind }) => kind === 'tokens')
    expect(tokens).toEqual([
      { kind: 'tokens', id: expect.stringMatching(/^t\d/) as string, use: 'signs tokens' },
      { ...second, use: 'still believed' },
    ])
    expect(tokens.map(({ id }) => id)).not.toContain(first?.id)
  }, 60_000)
})

test.for<[string[], string]>([
  [['rotate', 'pepper'], 'error usage: give one of tokens, data: other keys never change'],
  [['rotate'], "error usage: missing required argument 'kind'"],
])('keys %s', async ([args, first]) => {
  await using place = await openPlace('sqlite')
  const before = readFileSync(place.core.keysFile, 'utf8')
  const { code, stderr } = await run(place, ...args)
  expect([code, stderr.split('\n')[0]]).toEqual([2, first])
  expect(readFileSync(place.core.keysFile, 'utf8')).toBe(before)
})
