import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packInitramfs } from './initramfs.ts'
import { fetchKernel, type Kernel } from './kernel.ts'

/** What every machine of a test needs, made once. */
export interface Supplies extends Disposable {
  kernel: Kernel
  /** Path of the first file system. */
  initramfs: string
  /** Path of the checkout on the host. */
  checkout: string
}

const checkout = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '')

/** Where below the checkout programs find what V8 has made of them: compiling takes seconds in a machine. */
export const compileCache = 'var/hardware/compile-cache'

/** Where there is no machine about them, they end as soon as they are loaded. */
const programs = ['test/hardware/guest/reader-events.ts', 'test/hardware/guest/uhid-device.ts']

export function gatherSupplies(): Supplies {
  const kernel = fetchKernel()
  const folder = mkdtempSync(join(tmpdir(), 'vlt-supplies-'))
  const initramfs = join(folder, 'initramfs')
  packInitramfs(kernel, fillCompileCache(), initramfs)
  return {
    kernel,
    initramfs,
    checkout,
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Loads everything that runs in a machine; what has not changed since is there already. Answers where. */
function fillCompileCache(): string {
  const path = join(checkout, compileCache)
  const cache = { NODE_COMPILE_CACHE: path, NODE_COMPILE_CACHE_PORTABLE: '1' }
  const options = { cwd: checkout, env: { ...process.env, ...cache } }
  for (const program of [...programs, 'agent/cli.ts reader list'])
    spawnSync(process.execPath, program.split(' '), options)
  return path
}
