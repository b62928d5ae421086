import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const repository = join(import.meta.dirname, '..')

/** Runs one test, which does this, as all tests of the server are run; answers the exit code. */
async function exitCodeOf(body: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'vlt-run-'))
  const setup = join(repository, 'server/postgres-setup.testing.ts')
  const config = { test: { root: folder, globals: true, globalSetup: [setup] } }
  writeFileSync(join(folder, 'vitest.config.mjs'), `export default ${JSON.stringify(config)}`)
  writeFileSync(join(folder, 'only.test.ts'), `test('only', () => { ${body} })`)
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', '--config', join(folder, 'vitest.config.mjs')]
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: repository, env: {} }, (error) => {
      rmSync(folder, { recursive: true, force: true })
      resolve(error === null ? 0 : Number(error.code))
    })
  })
}

// Among the system tests, because the run that PostgreSQL is beside of cannot tell of its own exit code.
test(
  'a run with a failed test beside PostgreSQL fails, and one without passes',
  { timeout: 120_000 },
  async () => {
    expect(await Promise.all([exitCodeOf('expect(1).toBe(2)'), exitCodeOf('expect(1).toBe(1)')])).toEqual([
      1, 0,
    ])
  },
)
