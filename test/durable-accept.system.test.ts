import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from './lobby.ts'

const outboxModule = new URL('../agent/outbox/outbox.ts', import.meta.url).href
const clockModule = new URL('../shared/clock.ts', import.meta.url).href

const script = (data: string, rows: number): string => `
  import { Outbox } from ${JSON.stringify(outboxModule)}
  import { systemClock } from ${JSON.stringify(clockModule)}
  const outbox = Outbox.open(${JSON.stringify(data)}, systemClock)
  process.stderr.write('OPEN\\n')
  for (let row = 0; row < ${String(rows)}; row++) {
    outbox.append({ system: 'vlt-clients', subject: String(row), card: String(row), body: '{}', readerId: null })
    process.stderr.write('ACCEPTED\\n')
  }`

/** Syncs that the kernel was asked for between two accepts, from the trace of system calls. */
function syncsPerAccept(trace: string): number[] {
  const counts: number[] = []
  let syncs: number | undefined
  for (const line of trace.split('\n')) {
    if (line.includes('"OPEN\\n"')) syncs = 0
    else if (line.includes('"ACCEPTED\\n"')) {
      counts.push(syncs ?? 0)
      syncs = 0
    } else if (/\b(fsync|fdatasync)\(/.test(line) && syncs !== undefined) syncs += 1
  }
  return counts
}

test('every accepted registration is synced to the disk before it is called saved, on a new file and on a reopened one', async () => {
  using folder = temporaryFolder('sync')
  const data = join(folder.path, 'agent')
  const rows = 30
  for (const round of ['new', 'reopened']) {
    const trace = join(folder.path, `${round}.trace`)
    const child = spawn(
      'strace',
      [
        '-f',
        '-qq',
        '-s',
        '32',
        '-e',
        'trace=fsync,fdatasync,write',
        '-o',
        trace,
        process.execPath,
        '--input-type=module',
        '-e',
        script(data, rows),
      ],
      { stdio: 'ignore' },
    )
    expect((await once(child, 'exit'))[0]).toBe(0)
    const counts = syncsPerAccept(readFileSync(trace, 'utf8'))
    console.log(
      `${round} file: ${String(counts.length)} accepts, syncs each: at least ${String(Math.min(...counts))}`,
    )
    expect(counts).toHaveLength(rows)
    expect(counts.filter((count) => count < 1)).toEqual([])
  }
})
