import { accessSync, constants } from 'node:fs'
import { delimiter, resolve } from 'node:path'

/** Command, with its folder where that is in no user's path -> the Debian package that brings it. */
const needed: Record<string, string> = {
  socat: 'socat',
  strace: 'strace',
  'systemd-analyze': 'systemd',
  'systemd-notify': 'systemd',
  mount: 'mount',
  chromium: 'chromium',
  cage: 'cage',
  Xwayland: 'xwayland',
  pcscd: 'pcscd',
  'vpcd-config': 'vsmartcard-vpcd',
  'systemd-socket-activate': 'systemd',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  cpio: 'cpio',
  '/usr/sbin/depmod': 'kmod',
  '/usr/sbin/mkfs.ext4': 'e2fsprogs',
  udevadm: 'udev',
  ps: 'procps',
  xz: 'xz-utils',
}

function isInstalled(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(resolve(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export function setup(): void {
  const missing = Object.keys(needed).filter((command) => !isInstalled(command))
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((command) => needed[command]))].join(' ')
  throw new Error(`missing: ${missing.join(', ')}. Install with: apt-get install -y ${packages}`)
}
