import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A script of this folder as a process of its own, once it has said its first line. */
export async function startScript(
  name: string,
  args: string[],
): Promise<AsyncDisposable & { firstLine: string }> {
  const path = fileURLToPath(new URL(name, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [firstLine] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return {
    firstLine,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
