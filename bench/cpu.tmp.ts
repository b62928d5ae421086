import { readFileSync, readdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram, startServer } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { newDatabase, startPostgres } from '../server/postgres-cluster.testing.ts'
import { postAll } from './load.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const which = process.argv[2] ?? 'sqlite'
const rounds = Number(process.argv[3] ?? 3)
const N = 500
let next = 1
const bodies = () => Array.from({ length: N }, () => { const c = next++; return JSON.stringify({ ...(JSON.parse(sampleClient(c)) as object), tarjeta: (0x10000000 + c).toString(16).toUpperCase() }) })
const cpu = (pid: number) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' '); return (Number(f[11]) + Number(f[12])) * 10 }
const treeCpu = (pid: number): number => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' '); let t = (Number(f[11]) + Number(f[12]) + Number(f[13]) + Number(f[14])) * 10; for (const c of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)) try { t += cpu(Number(c)) } catch {} return t }
const folder = mkdtempSync(join(tmpdir(), 'vlt-cpu-'))
const cluster = which === 'postgres' ? await startPostgres({ onDisk: true }) : undefined
const ours = cluster && await newDatabase(cluster.url, 'ours'), bareDb = cluster && await newDatabase(cluster.url, 'bare')
const du = (u: string | undefined) => u ? ['--database-url', u] : []
const server = await startServer(join(folder, 'server'), { args: ['--vlt-rate-limit', '1000000', '--log-level', process.env['LOG'] ?? 'error', ...du(ours)], env: { ...(process.env['PROF'] ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${process.env['PROF']}` } : {}) } })
const made = await runProgram('server', ['migrate', '--data', join(folder, 'bare'), ...du(bareDb)])
if (made.code) throw new Error(made.stderr)
const bare = spawn(process.execPath, [new URL('bare-server.ts', import.meta.url).pathname, bareDb ?? join(folder, 'bare', 'server.db')], { stdio: ['ignore', 'pipe', 'inherit'] })
const [bareUrl] = await once(createInterface({ input: bare.stdout }), 'line') as [string]
const pgPid = cluster && Number(readFileSync(`/proc/net/tcp`, 'utf8') && readdirSync('/proc').filter(p => /^\d+$/.test(p)).find(p => { try { return readFileSync(`/proc/${p}/cmdline`, 'utf8').includes(`-p\0${new URL(cluster.url).port}`) } catch { return false } }))
const res: Record<string, number[][]> = { ours: [], bare: [] }
for (let r = 0; r < rounds; r++) for (const [name, url, pid] of [['ours', server.url, server.child.pid], ['bare', bareUrl, bare.pid]] as const) {
  const b = bodies(); const c0 = cpu(pid!), p0 = pgPid ? treeCpu(pgPid) : 0, l0 = process.cpuUsage()
  const round = await postAll(`${url}/api/clientes/register`, b, 50)
  const l = process.cpuUsage(l0)
  res[name]!.push([(cpu(pid!) - c0) / N * 1000, pgPid ? (treeCpu(pgPid) - p0) / N * 1000 : 0, (l.user + l.system) / N, round.perSecond, round.p50Ms, round.p99Ms])
}
const med = (v: number[]) => v.toSorted((a, b) => a - b)[Math.floor(v.length * 0.15)]!
for (const [name, v] of Object.entries(res)) console.log(name.padEnd(5), 'server us/req', med(v.map(x => x[0]!)).toFixed(0), 'pg us/req', med(v.map(x => x[1]!)).toFixed(0), 'load us/req', med(v.map(x => x[2]!)).toFixed(0), 'req/s', med(v.map(x => x[3]!)).toFixed(0), 'p50', med(v.map(x => x[4]!)).toFixed(1), 'p99', med(v.map(x => x[5]!)).toFixed(1))
await server.stop('SIGTERM'); bare.kill(); await cluster?.stop()
