/**
 * `npm run bench`: each figure beside a baseline of the same run, because these figures mean nothing across machines.
 * Rounds of both sides alternate; the ratio of the medians is what to look at.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newDatabase, startPostgres } from '../server/postgres-cluster.testing.ts'
import { acceptBench } from './accept.ts'
import { drainBench } from './drain.ts'
import { pageBench } from './page.ts'
import { registerBench } from './register.ts'
import { liveBench } from './live.ts'
import { fillMillion, millionBench, readyBench } from './million.ts'
import { queuesBench } from './queues.ts'
import { median, type Round, type Side } from './round.ts'
import { signUpBench } from './sign-up.ts'
import { tapBench } from './tap.ts'

const rounds = 9

/** Only the benches whose title holds this text: `npm run bench -- PostgreSQL`. */
const wanted = process.argv[2] ?? ''

async function compare(
  title: string,
  ours: Side,
  baselineTitle: string,
  baseline: Side,
  count = rounds,
): Promise<void> {
  if (!title.includes(wanted)) return
  const found: Record<'ours' | 'baseline', Round[]> = { ours: [], baseline: [] }
  for (let round = 0; round < count; round++) {
    found.ours.push(await ours())
    found.baseline.push(await baseline())
  }
  const line = (name: string, side: Round[]): string => {
    const of = (key: keyof Round): number => median(side.map((round) => round[key]))
    return `  ${name.padEnd(52)} ${of('perSecond').toFixed(0).padStart(7)}/s  p50 ${of('p50Ms').toFixed(2)} ms  p99 ${of('p99Ms').toFixed(2)} ms`
  }
  const ratio = median(
    found.ours.map(({ perSecond }, round) => perSecond / (found.baseline[round]?.perSecond ?? Number.NaN)),
  )
  console.log(
    `${title}\n${line('ours', found.ours)}\n${line(baselineTitle, found.baseline)}\n  ratio ${ratio.toFixed(2)}\n`,
  )
}

const folder = mkdtempSync(join(tmpdir(), 'vlt-bench-'))
// On the disk, where flushes cost what they cost.
const cluster = await startPostgres({ onDisk: true })
try {
  {
    using accept = acceptBench(join(folder, 'accept'))
    using queues = queuesBench(join(folder, 'queues'))
    const title = 'Accepting a registration (agent)'
    await compare(title, accept.ours, 'bare INSERT, WAL + FULL, one per commit', accept.baseline)
    await compare(title, accept.ours, 'plainjob, set to FULL', queues.plainjob)
    await compare(title, accept.ours, 'liteque, set to FULL', queues.liteque)
  }
  const millionTitle = 'Accepting beside 1,000,000 pending rows (agent)'
  if (millionTitle.includes(wanted)) {
    const [full, empty] = [join(folder, 'million'), join(folder, 'empty')]
    fillMillion(full)
    await readyBench(full, empty)
    using million = millionBench(full, empty)
    await compare(millionTitle, million.ours, 'an outbox without a backlog', million.baseline)
  }
  {
    await using tap = await tapBench()
    await compare(
      'Serial bytes to an accepted tap (agent)',
      tap.ours,
      'bare serialport listener, bytes to data event',
      tap.baseline,
    )
  }
  if ('Serial bytes to the screen (agent and Chromium)'.includes(wanted)) await pageBench()
  const bareTitle = 'bare Fastify, same rows, one commit per request'
  {
    await using embedded = await registerBench(join(folder, 'embedded'))
    await compare('POST /api/clientes/register (server, SQLite)', embedded.ours, bareTitle, embedded.baseline)
  }
  {
    const [ours, bare] = [await newDatabase(cluster.url, 'ours'), await newDatabase(cluster.url, 'bare')]
    await using postgres = await registerBench(join(folder, 'postgres'), { ours, bare })
    await compare(
      'POST /api/clientes/register (server, PostgreSQL)',
      postgres.ours,
      bareTitle,
      postgres.baseline,
    )
  }
  {
    await using signUp = await signUpBench(join(folder, 'sign-up'))
    await compare(
      'POST /api/register (server, SQLite)',
      signUp.ours,
      'bare password hashes, one per core at a time',
      signUp.baseline,
    )
  }
  const single = 'one by one by the documented endpoint, 1,000, no rate limit'
  {
    await using drain = await drainBench(join(folder, 'drain'))
    await compare(
      'Draining 10,000 in batches (agent and server, SQLite)',
      drain.ours,
      single,
      drain.baseline,
      3,
    )
  }
  {
    await using drain = await drainBench(join(folder, 'drain-pg'), await newDatabase(cluster.url, 'drain'))
    const title = 'Draining 10,000 in batches (agent and server, PostgreSQL)'
    await compare(title, drain.ours, single, drain.baseline, 3)
  }
  {
    await using live = await liveBench(join(folder, 'live'))
    const title = 'A live tap to the server’s word while 10,000 drain (agent and server, SQLite)'
    await compare(title, live.ours, 'without a backlog', live.baseline, 3)
  }
  const { rss } = process.memoryUsage()
  console.log(`memory of this process at the end: ${(rss / 1024 / 1024).toFixed(0)} MiB`)
} finally {
  await cluster.stop()
  rmSync(folder, { recursive: true, force: true })
}
