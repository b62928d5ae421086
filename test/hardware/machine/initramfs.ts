import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Kernel } from './kernel.ts'

/** Disk, network, the host's files, USB serial adapters, keyboards and other HID devices. */
const modules = [
  ...['virtio_pci', 'virtio_blk', 'virtio_net', '9pnet_virtio', '9p', 'overlay', 'ext4', 'af_packet'],
  ...['xhci_pci', 'ftdi_sio', 'cdc_acm', 'usbhid', 'hid_generic', 'uhid', 'evdev'],
]

/**
 * Packs the first file system of the machine: busybox, modules in the order they load, init.sh, and what V8 has made
 * of our programs, which is hundreds of small files.
 */
export function packInitramfs(kernel: Kernel, compileCache: string, target: string): void {
  const tree = mkdtempSync(join(tmpdir(), 'vlt-initramfs-'))
  try {
    for (const folder of ['bin', 'modules']) mkdirSync(join(tree, folder))
    copyFileSync('/bin/busybox', join(tree, 'bin', 'busybox'))
    const files = [...new Set(modules.flatMap((name) => filesOf(kernel, name)))]
    for (const file of files) copyFileSync(file, join(tree, 'modules', basename(file)))
    writeFileSync(join(tree, 'modules', 'order'), files.map((file) => `${basename(file)}\n`).join(''))
    copyFileSync(fileURLToPath(new URL('init.sh', import.meta.url)), join(tree, 'init'))
    // The folder's name ends in the user who may use it.
    for (const name of readdirSync(compileCache)) {
      cpSync(join(compileCache, name), join(tree, 'cache', name.replace(/\d+$/, '0')), { recursive: true })
    }
    const archive = 'chmod 755 init && find . | cpio --create --format=newc --quiet | gzip -1'
    writeFileSync(target, execFileSync('sh', ['-c', archive], { cwd: tree, maxBuffer: 1 << 28 }))
  } finally {
    rmSync(tree, { recursive: true })
  }
}

/** The module's file after those it needs. */
function filesOf(kernel: Kernel, name: string): string[] {
  const args = ['-d', kernel.root, '-S', kernel.version, '--show-depends', name]
  const lines = execFileSync('/usr/sbin/modprobe', args, { encoding: 'utf8' }).split('\n')
  return lines.flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? [])
}
