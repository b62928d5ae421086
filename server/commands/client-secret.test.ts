import { describe, expect, test } from 'vitest'
import { openPlace } from '../place.testing.ts'
import { engines, register, send } from '../testbed.testing.ts'

describe.each(engines)('on %s', (engine) => {
  test('secrets are made, listed and revoked beside a running server', { timeout: 120_000 }, async () => {
    await using place = await openPlace(engine)
    const server = await place.serve('--vlt-destination', 'lobby')
    const { port = 0 } = server
    const run = async (...args: string[]): Promise<{ stdout: string; stderr: string }> => {
      const command = await place.run('client-secret', ...args)
      expect([await command.ended, command.stderr()]).toEqual([0, expect.any(String)])
      return { stdout: command.stdout(), stderr: command.stderr() }
    }
    const status = async (secret: string): Promise<number> => {
      const headers = { 'content-type': 'application/json', 'x-client-secret': secret }
      const body = '{"cardIdentifier":"A0C2BBCA"}'
      return (await send(port, { path: '/v1/cards/authenticate', headers, body })).status
    }
    expect((await register(port)).status).toBe(201)

    const first = await run('add', '--name', 'lobby north')
    expect(first.stdout).toMatch(/^vltcs_[\w-]{43}\n$/)
    expect(first.stderr).toBe('Client secret 1: keep it safe, it is not shown again.\n')
    const second = JSON.parse((await run('add', '--name', ' ñandú ', '--json')).stdout) as { secret: string }
    expect(second).toEqual({ id: 2, name: 'ñandú', secret: expect.stringMatching(/^vltcs_/) as string })
    const secret = first.stdout.trim()
    expect([await status(secret), await status(second.secret), await status('x')]).toEqual([200, 200, 401])

    expect((await run('revoke', '1')).stdout).toBe('client secret 1 is revoked\n')
    expect([await status(secret), await status(second.secret)]).toEqual([401, 200])
    expect((await run('revoke', '1')).stdout).toBe('client secret 1 was revoked before\n')

    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string
    const listed = await run('list', '--json')
    expect(JSON.parse(listed.stdout)).toEqual([
      { id: 1, name: 'lobby north', createdAt: time, lastUsedAt: time, revokedAt: time },
      { id: 2, name: 'ñandú', createdAt: time, lastUsedAt: time, revokedAt: null },
    ])
    const lines = (await run('list')).stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^ID {2}NAME +MADE +LAST USED +REVOKED$/)
    expect(lines).toHaveLength(3)
    expect(listed.stdout + lines.join() + server.stderr()).not.toContain('vltcs_')
  })
})

test.for<[string[], number, string]>([
  [['add'], 2, "error usage: required option '--name <name>' not specified"],
  [['add', '--name', ' '], 2, 'error usage: --name must be a line of 1 to 100 characters'],
  [['add', '--name', 'a\nb'], 2, 'error usage: --name must be a line of 1 to 100 characters'],
  [['add', '--name', 'x'.repeat(101)], 2, 'error usage: --name must be a line of 1 to 100 characters'],
  [['revoke'], 2, "error usage: missing required argument 'id'"],
  [['revoke', 'x'], 2, 'error usage: "x" is no id: give a number that `vlt-server client-secret list` shows'],
  [['revoke', '9'], 2, 'error client-secret-unknown: there is no client secret 9'],
])('client-secret %j', async ([args, code, complaint]) => {
  await using place = await openPlace('sqlite')
  const command = await place.run('client-secret', ...args)
  expect([await command.ended, command.stderr().split('\n')[0], command.stdout()]).toEqual([
    code,
    complaint,
    '',
  ])
})
