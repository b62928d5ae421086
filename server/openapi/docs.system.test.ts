import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openTestbed } from '../testbed.testing.ts'
import { operations } from './document.testing.ts'

test('a browser without any other host shows every operation and reports nothing', async () => {
  await using bed = await openTestbed()
  const profile = mkdtempSync(join(tmpdir(), 'vlt-docs-'))
  try {
    const { stdout, stderr } = await promisify(execFile)(
      'chromium',
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        `--user-data-dir=${profile}`,
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        '--enable-logging=stderr',
        '--virtual-time-budget=20000',
        '--dump-dom',
        `http://127.0.0.1:${String(bed.port)}/docs`,
      ],
      { maxBuffer: 2 ** 26 },
    )
    const shown = [...stdout.matchAll(/data-path="([^"]+)"/g)].map(([, path]) => path)
    expect(shown.sort()).toEqual(operations.map(({ path }) => path).sort())
    // Violations of the page's policy and failed loads are said here.
    expect(stderr.split('\n').filter((line) => line.includes('CONSOLE'))).toEqual([])
  } finally {
    rmSync(profile, { recursive: true, force: true })
  }
})
