import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startAgent, startServer, type RunningProgram } from '../demo/programs.ts'
import { systemClock } from '../shared/clock.ts'
import { createLog } from '../shared/log.ts'
import { createServiceManager } from '../shared/service-manager.ts'
import { eventually, temporaryFolder } from './lobby.ts'

/**
 * Prints every datagram that arrives on a Unix socket. In perl, which every Debian has: Node has no such sockets, and
 * socat keeps open the descriptor by whose closing systemd-notify knows that its message was read.
 */
const receiver = `
  use Socket;
  $| = 1;
  socket(my $socket, PF_UNIX, SOCK_DGRAM, 0) or die $!;
  bind($socket, sockaddr_un($ARGV[0])) or die $!;
  while (defined recv($socket, my $text, 4096, 0)) { print "$text\\n" }`

/** Stands in for systemd at the far end of the notification socket. */
async function notificationSocket(
  folder: string,
): Promise<AsyncDisposable & { path: string; text: () => string }> {
  const path = join(folder, 'notify')
  const perl = spawn('perl', ['-e', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  let received = ''
  perl.stdout.setEncoding('utf8').on('data', (chunk: string) => (received += chunk))
  await eventually(() => existsSync(path))
  return {
    path,
    text: () => received,
    async [Symbol.asyncDispose]() {
      const gone = once(perl, 'exit')
      perl.kill('SIGTERM')
      await gone
    },
  }
}

const count = (text: string, word: string): number => text.split(word).length - 1

test.each<[string, (data: string, env: Record<string, string>) => Promise<RunningProgram>]>([
  ['vlt-agent', (data, env) => startAgent(data, { env })],
  ['vlt-server', (data, env) => startServer(data, { env })],
])('%s tells systemd that it is ready, feeds the watchdog, and says that it stops', async (_name, start) => {
  using folder = temporaryFolder('notify')
  await using socket = await notificationSocket(folder.path)
  await using program = await start(join(folder.path, 'data'), {
    NOTIFY_SOCKET: socket.path,
    WATCHDOG_USEC: '1500000',
  })
  await eventually(() => socket.text().includes('READY=1'))
  await eventually(() => count(socket.text(), 'WATCHDOG=1') >= 3)
  expect(socket.text()).not.toContain('STOPPING=1')
  expect(await program.stop()).toMatchObject({ code: 0 })
  expect(count(socket.text(), 'STOPPING=1')).toBe(1)
})

test('a program that does not do its work does not feed the watchdog', async () => {
  using folder = temporaryFolder('notify')
  await using socket = await notificationSocket(folder.path)
  let blocked: string | undefined
  const env = { ...process.env, NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '300000' }
  const manager = createServiceManager(
    env,
    () => Promise.resolve(blocked),
    systemClock,
    createLog('test', 'fatal'),
  )
  const stop = new AbortController()
  const feeding = manager.run(stop.signal)
  await eventually(() => count(socket.text(), 'WATCHDOG=1') >= 2)
  blocked = 'the outbox takes no write'
  await systemClock.sleep(300, stop.signal)
  const fed = count(socket.text(), 'WATCHDOG=1')
  await systemClock.sleep(1_000, stop.signal)
  expect(count(socket.text(), 'WATCHDOG=1')).toBe(fed)
  blocked = undefined
  await eventually(() => count(socket.text(), 'WATCHDOG=1') > fed)
  stop.abort()
  await feeding
})
