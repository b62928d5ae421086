import { describe, expect, test } from 'vitest'
import { item, TestKiosk } from '../kiosks/kiosk.testing.ts'
import { openPlace } from '../place.testing.ts'
import { engines } from '../testbed.testing.ts'

describe.each(engines)('on %s', (engine) => {
  test('kiosks are let in, listed and revoked beside a running server', { timeout: 120_000 }, async () => {
    await using place = await openPlace(engine)
    const server = await place.serve('--vlt-destination', 'lobby')
    const run = async (...args: string[]): Promise<[number | string | null, string, string]> => {
      const command = await place.run('kiosk', ...args)
      return [await command.ended, command.stdout(), command.stderr()]
    }
    const [exit, code, note] = await run('code', '--name', 'Lobby north', '--expires', '2h')
    expect([exit, code]).toEqual([0, expect.stringMatching(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\n$/)])
    expect(note).toMatch(/^Good for one kiosk until \S+Z; it is not shown again\.\n$/)
    const kiosk = new TestKiosk(server.port ?? 0)
    expect((await kiosk.join(code.trim())).status).toBe(201)
    expect((await kiosk.batch([item(1)])).status).toBe(403)

    expect(await run('activate', '1')).toEqual([0, 'kiosk 1 is active\n', ''])
    expect(await run('activate', '1')).toEqual([0, 'kiosk 1 was active before\n', ''])
    expect((await kiosk.batch([item(1)])).status).toBe(200)
    const counts = { accepted: 3, delivered: 1, pending: 2, highestSequence: 3 }
    expect((await kiosk.report(counts)).status).toBe(200)

    const [, listed] = await run('list', '--json')
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string
    expect(JSON.parse(listed)).toMatchObject([
      {
        ...{
          id: 1,
          name: 'Lobby north',
          state: 'active',
          version: '1.0.0',
          joinedAt: time,
          lastSeenAt: time,
        },
        report: { pending: 2, taken: 1 },
      },
    ])
    const [, lines] = await run('list')
    expect(lines).toMatch(
      /^ID {2}NAME +STATE +FINGERPRINT +VERSION +LAST SEEN +PENDING +DEAD\n1 {3}Lobby north +active /,
    )

    expect(await run('revoke', '1')).toEqual([0, 'kiosk 1 is revoked\n', ''])
    expect((await kiosk.batch([item(2)])).status).toBe(403)
    const [, again] = await run('code', '--kiosk', '1', '--activate', '--json')
    const other = new TestKiosk(server.port ?? 0)
    expect((await other.join((JSON.parse(again) as { code: string }).code)).status).toBe(201)
    expect([other.id, (await other.batch([item(2)])).status]).toEqual([1, 200])

    for (const [args, exitCode, error] of [
      [['code', '--expires', '31d'], 2, 'usage'],
      [['code', '--name', ' '], 2, 'usage'],
      [['code', '--kiosk', '9'], 2, 'kiosk-unknown'],
      [['activate', '9'], 2, 'kiosk-unknown'],
      [['revoke', 'x'], 2, 'usage'],
    ] as const) {
      const [got, , said] = await run(...args)
      expect([got, said]).toEqual([exitCode, expect.stringContaining(`error ${error}: `)])
    }
    const secrets = [code.trim(), kiosk.key.d]
    for (const secret of secrets) expect(listed + lines + server.stderr()).not.toContain(secret)
  })
})
