import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Finding } from '../doctor/finding.ts'
import { openPlace } from '../place.testing.ts'
import { engines } from '../testbed.testing.ts'

interface Report {
  state: string
  checks: Finding[]
}

describe.each(engines)('on %s', (engine) => {
  test('doctor looks at a running server', { timeout: 120_000 }, async () => {
    await using place = await openPlace(engine)
    const server = await place.serve()
    const doctor = async (...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> => {
      const command = await place.run('doctor', ...args)
      return { code: await command.ended, stdout: command.stdout(), stderr: command.stderr() }
    }
    const port = String(server.port)
    const seen = async (...args: string[]): Promise<string | undefined> => {
      const { checks } = JSON.parse((await doctor('--json', ...args)).stdout) as Report
      return checks.find(({ check }) => check === 'server')?.detail
    }
    const held = engine === 'sqlite' ? 'one runs on this data folder; ' : ''

    const sound = await doctor('--port', port)
    expect([sound.code, sound.stderr]).toEqual([0, ''])
    expect(sound.stdout).toMatch(/^STATE {2}CHECK +FOUND\nok +node +v/)
    expect(sound.stdout).toContain('\n       -> Give --smtp-url for mails that reach people.\n')
    const report = JSON.parse((await doctor('--json', '--port', port)).stdout) as Report
    expect(report.state).toBe('warn')
    expect(report.checks.every(({ hint, state }) => (hint === '') === (state === 'ok'))).toBe(true)
    expect(await seen('--port', port)).toBe(`${held}http://127.0.0.1:${port} is ready`)
    expect(await seen('--port', '1')).toBe(`${held}http://127.0.0.1:1: nobody answers`)

    server.process.kill('SIGTERM')
    await server.ended
    expect(await seen('--port', port)).toBe(
      engine === 'sqlite' ? 'none runs on this data folder' : `http://127.0.0.1:${port}: nobody answers`,
    )

    chmodSync(join(place.folder, 'keys.json'), 0o644)
    const sick = await doctor('--json')
    expect(sick.code).toBe(1)
    expect((JSON.parse(sick.stdout) as Report).state).toBe('fail')
    expect(sick.stderr).toMatch(
      /^error doctor-found-faults: 1 of \d+ checks failed\nhint: Follow the hint of each line that says fail\.\n$/,
    )
  })
})

test('settings that are wrong are told before anything is looked at', async () => {
  await using place = await openPlace('sqlite')
  const command = await place.run('doctor', '--port', 'x', '--smtp-url', 'smtp://u:secret@')
  expect([await command.ended, command.stdout()]).toEqual([3, ''])
  expect(command.stderr()).toContain('--port: must be a whole number from 0 to 65535')
  expect(command.stderr()).not.toContain('secret')
})
