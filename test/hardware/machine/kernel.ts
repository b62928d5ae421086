import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Debian's own kernel, unpacked. */
export interface Kernel {
  version: string
  image: string
  /** Holds `lib/modules/<version>`, with the lists that modprobe reads. */
  root: string
}

const cache = fileURLToPath(new URL('../../../var/hardware/', import.meta.url))

/** Fetches the kernel that `linux-image-amd64` stands for by apt, once, and unpacks it beside the checkout's data. */
export function fetchKernel(): Kernel {
  const version = kernelVersion()
  const root = join(cache, `kernel-${version}`)
  if (!existsSync(root)) unpack(version, root)
  return { version, image: join(root, 'boot', `vmlinuz-${version}`), root }
}

function kernelVersion(): string {
  const depends = run('apt-cache', ['depends', 'linux-image-amd64'])
  const version = /Depends: linux-image-(\d\S*-amd64)/.exec(depends)?.[1]
  if (version === undefined) {
    throw new Error('apt knows no linux-image-amd64: run `apt-get update` first')
  }
  return version
}

function unpack(version: string, root: string): void {
  const draft = `${root}.new`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  run('apt-get', ['download', `linux-image-${version}`], draft)
  const archive = readdirSync(draft).find((name) => name.endsWith('.deb'))
  if (archive === undefined) throw new Error('apt-get download left no package')
  run('dpkg-deb', ['-x', join(draft, archive), draft])
  rmSync(join(draft, archive))
  run('depmod', ['-b', draft, version])
  renameSync(draft, root)
}

function run(command: string, args: string[], cwd?: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
