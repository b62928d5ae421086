import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const repository = join(import.meta.dirname, '..')
const folders = ['shared', 'devices', 'agent', 'server', 'demo', 'test', 'bench']

interface Violation {
  rule: string
  from: string
}

/** Runs the gate as `npm run check:architecture` does, but answers what it found. */
async function violations(folder: string): Promise<{ found: Violation[]; files: number }> {
  const depcruise = join(repository, 'node_modules/.bin/depcruise')
  const args = [depcruise, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders]
  // Exits with the number of violations; the report is on standard output either way.
  const { stdout } = await run(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 28 }).catch(
    (error: unknown) => {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      if (stdout === undefined || stdout === '') throw new Error(`the gate did not run: ${stderr ?? ''}`)
      return { stdout }
    },
  )
  const { summary } = JSON.parse(stdout) as {
    summary: {
      totalCruised: number
      violations: { from: string; rule: { name: string; severity: string } }[]
    }
  }
  return {
    files: summary.totalCruised,
    found: summary.violations
      .filter(({ rule }) => rule.severity === 'error')
      .map(({ from, rule }) => ({ rule: rule.name, from })),
  }
}

test('the tree keeps the dependency rules', async () => {
  const { found, files } = await violations(repository)
  expect(found).toEqual([])
  // A gate that looks at nothing is clean too.
  expect(files).toBeGreaterThan(30)
})

/** What each forbidden file says. A rule that misses its file fails its case below. */
const forbidden: { title: string; file: string; text: string; rules: string[] }[] = [
  {
    title: 'shared importing devices',
    file: 'shared/a.ts',
    text: `import { presence } from '../devices/presence.ts'\nexport const a = presence`,
    rules: ['shared-is-a-leaf'],
  },
  {
    title: 'devices importing the agent',
    file: 'devices/b.ts',
    text: `import { outbox } from '../agent/outbox.ts'\nexport const b = outbox`,
    rules: ['devices-import-only-shared'],
  },
  {
    title: 'the agent importing the server',
    file: 'agent/c.ts',
    text: `import { app } from '../server/app.ts'\nexport const c = app`,
    rules: ['agent-and-server-meet-only-over-http'],
  },
  {
    title: 'the agent importing only a type of the server',
    file: 'agent/d.ts',
    text: `import type { App } from '../server/app.ts'\nexport type D = App`,
    rules: ['agent-and-server-meet-only-over-http'],
  },
  {
    title: 'the agent naming a type of the server inline',
    file: 'agent/e.ts',
    text: `export type E = import('../server/app.ts').App`,
    rules: ['agent-and-server-meet-only-over-http'],
  },
  {
    title: 'the agent naming the type of a server module inline, in the middle of a type',
    file: 'agent/e2.ts',
    text: `export function e2(of: Map<string, (typeof import('../server/app.ts'))['app']>): number { return of.size }`,
    rules: ['agent-and-server-meet-only-over-http'],
  },
  {
    title: 'the agent loading the server when it runs',
    file: 'agent/f.ts',
    text: `export const f = async () => import('../server/app.ts')`,
    rules: ['agent-and-server-meet-only-over-http'],
  },
  {
    title: 'the agent passing the server on',
    file: 'agent/g.ts',
    text: `export { app } from '../server/app.ts'`,
    rules: ['agent-and-server-meet-only-over-http'],
  },
  {
    title: 'the server importing devices',
    file: 'server/h.ts',
    text: `import { presence } from '../devices/presence.ts'\nexport const h = presence`,
    rules: ['server-knows-no-kiosk-code'],
  },
  {
    title: 'a system importing another',
    file: 'server/systems/one/routes.ts',
    text: `import { other } from '../two/service.ts'\nexport const routes = other`,
    rules: ['no-system-imports-another'],
  },
  {
    title: 'a store importing its service',
    file: 'server/systems/one/store.ts',
    text: `import { rules } from './rules/service.ts'\nexport const store = rules`,
    rules: ['stores-do-not-know-services'],
  },
  {
    title: 'a service importing its routes',
    file: 'server/systems/two/service.ts',
    text: `import { routes } from './routes.ts'\nexport const other = routes`,
    rules: ['services-and-stores-do-not-look-up'],
  },
  {
    title: 'a codec doing input and output',
    file: 'devices/codecs/i.ts',
    text: `import { readFileSync } from 'node:fs'\nexport const i = readFileSync`,
    rules: ['codecs-are-pure'],
  },
  {
    title: 'serialport outside its home',
    file: 'devices/drivers/j.ts',
    text: `import { SerialPort } from 'serialport'\nexport const j = SerialPort`,
    rules: ['home-of-serialport'],
  },
  {
    title: 'node-hid outside its home',
    file: 'devices/drivers/j2.ts',
    text: `export const j2 = async () => import('node-hid')`,
    rules: ['home-of-node-hid'],
  },
  {
    title: 'only a type of a library outside its home',
    file: 'agent/k.ts',
    text: `import type { Database } from 'better-sqlite3'\nexport type K = Database`,
    rules: ['home-of-better-sqlite3'],
  },
  {
    title: 'a program importing what only tests may',
    file: 'agent/o.ts',
    text: `import { hand } from '../devices/hand.testing.ts'\nexport const o = hand`,
    rules: ['programs-do-without-testing-code'],
  },
  {
    title: 'two files importing each other',
    file: 'shared/l.ts',
    text: `import type { M } from './m.ts'\nexport type L = M`,
    rules: ['no-cycles'],
  },
  {
    title: 'an import that leads nowhere',
    file: 'shared/n.ts',
    text: `import { nowhere } from './nowhere.ts'\nexport const n = nowhere`,
    rules: ['nothing-unresolvable'],
  },
]

/** What the forbidden files import, and what is allowed. None of it may be reported. */
const allowed: Record<string, string> = {
  'devices/presence.ts': `import { leaf } from '../shared/leaf.ts'\nexport const presence = leaf`,
  'devices/hand.testing.ts': `export const hand = 1`,
  'devices/transports/serial.ts': `import { SerialPort } from 'serialport'\nexport const serial = SerialPort`,
  'devices/codecs/line.ts': `import { leaf } from '../../shared/leaf.ts'\nexport const line = leaf`,
  'agent/outbox.ts': `import { presence } from '../devices/presence.ts'\nexport const outbox = presence`,
  'server/app.ts': `export const app = 1\nexport interface App { app: number }`,
  'server/systems/one/rules/service.ts': `export const rules = 1`,
  'server/systems/two/routes.ts': `export const routes = 1`,
  'shared/leaf.ts': `export const leaf = 1`,
  'test/whole.test.ts': `import { app } from '../server/app.ts'\nimport { outbox } from '../agent/outbox.ts'\nexport const all = [app, outbox]`,
  'demo/start.ts': `export const start = 1`,
  'bench/bench.ts': `export const bench = 1`,
}
// The other half of the cycle, which the gate reports as well.
const otherHalf = {
  file: 'shared/m.ts',
  text: `import type { L } from './l.ts'\nexport type M = L`,
  rule: 'no-cycles',
}

describe('a tree with one violation of each kind', () => {
  let folder: string
  let found: Violation[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vlt-gate-'))
    for (const name of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) {
      await cp(join(repository, name), join(folder, name))
    }
    await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'))
    const files = [
      ...forbidden,
      otherHalf,
      ...Object.entries(allowed).map(([file, text]) => ({ file, text })),
    ]
    for (const { file, text } of files) {
      await mkdir(dirname(join(folder, file)), { recursive: true })
      await writeFile(join(folder, file), `${text}\n`)
    }
    found = (await violations(folder)).found
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each(forbidden)('$title is refused as $rules', ({ file, rules }) => {
    expect(found.filter(({ from }) => from === file).map(({ rule }) => rule)).toEqual(rules)
  })

  test('and nothing else is', () => {
    const expected = [...forbidden.map(({ file }) => file), otherHalf.file]
    expect(found.filter(({ from }) => !expected.includes(from))).toEqual([])
  })
})
