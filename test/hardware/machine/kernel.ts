import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Debian's own kernel, unpacked. */
export interface Kernel {
  version: string
  /** Not compressed: a machine without hardware virtualisation unpacks it for seconds at each start. */
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
  return { version, image: join(root, 'vmlinux'), root }
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
  run('/usr/sbin/depmod', ['-b', draft, version])
  writeFileSync(join(draft, 'vmlinux'), kernelIn(join(draft, 'boot', `vmlinuz-${version}`)))
  renameSync(draft, root)
}

/**
 * The kernel proper: Debian's is packed by xz, behind what the header says of its place (Linux
 * Documentation/x86/boot.rst: setup_sects, payload_offset, payload_length).
 */
function kernelIn(image: string): Buffer {
  const bytes = readFileSync(image)
  const start = (bytes.readUInt8(0x1f1) + 1) * 512 + bytes.readUInt32LE(0x248)
  const packed = bytes.subarray(start, start + bytes.readUInt32LE(0x24c))
  // Behind it stands its unpacked size, which is not xz's.
  return execFileSync('xz', ['--decompress', '--stdout', '--single-stream'], {
    input: packed,
    maxBuffer: 1 << 28,
  })
}

function run(command: string, args: string[], cwd?: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
