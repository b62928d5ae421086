/**
 * `npm run crash -- [--kills 10000] [--cuts 1000] [--damages 1000]`: the crash tests as often as asked for, each only if
 * it is named.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const tests = {
  kills: { file: 'test/kill-nine.test.ts', variable: 'KILLS' },
  cuts: { file: 'test/power-cut.test.ts', variable: 'POWER_CUTS' },
  damages: { file: 'test/outbox-damage.test.ts', variable: 'DAMAGES' },
} as const

const { values } = parseArgs({
  options: { kills: { type: 'string' }, cuts: { type: 'string' }, damages: { type: 'string' } },
})
const wanted = Object.entries(tests).flatMap(([name, { file, variable }]) => {
  const times = values[name as keyof typeof tests]
  return times === undefined ? [] : [{ file, variable, times }]
})
if (wanted.length === 0) throw new Error('say what: --kills N, --cuts N, --damages N')
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--project', 'programs', ...wanted.map(({ file }) => file)],
  {
    stdio: 'inherit',
    env: { ...process.env, ...Object.fromEntries(wanted.map(({ variable, times }) => [variable, times])) },
  },
)
process.exitCode = status ?? 1
