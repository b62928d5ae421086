import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Command -> the Debian package that brings it. */
const needed: Record<string, string> = {
  socat: 'socat',
  strace: 'strace',
  'systemd-analyze': 'systemd',
  'systemd-notify': 'systemd',
  mount: 'mount',
  chromium: 'chromium',
  pcscd: 'pcscd',
  'vpcd-config': 'vsmartcard-vpcd',
  'systemd-socket-activate': 'systemd',
  unshare: 'util-linux',
}

function isInstalled(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
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
