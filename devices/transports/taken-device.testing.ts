import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** Another program opens the device and keeps it until disposed. */
export async function takeElsewhere(path: string): Promise<AsyncDisposable> {
  const holder = spawn('flock', ['--exclusive', '--no-fork', path, 'sleep', '60'], { stdio: 'ignore' })
  const exit = once(holder, 'exit')
  // It becomes the program that it starts when it has the lock.
  while ((await readFile(`/proc/${String(holder.pid)}/comm`, 'utf8')) !== 'sleep\n') await delay(5)
  return {
    async [Symbol.asyncDispose]() {
      holder.kill('SIGTERM')
      await exit
    },
  }
}
