import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { execPath, kill } from 'node:process'

const here = import.meta.dirname
const checkout = dirname(here)
const installed = '/usr/lib/vlt-kiosk/node/bin/node /usr/lib/vlt-kiosk/dist/agent/cli.js'
/** Where the session finds the checkout, whoever may look into the folders above it. */
const mounted = '/run/vlt-kiosk'
const nobody = '65534'

/** The values of one setting of the lobby screen's unit, its lines joined. */
export function unitSetting(name: string): string[] {
  const unit = readFileSync(join(here, 'vlt-kiosk-page.service'), 'utf8').replaceAll(/\\\n\s*/g, '')
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)
}

interface Place {
  /** Where the agent serves the page. */
  port: number
  secretFile: string
}

/**
 * One life of the unit's main process: its own command line, environment and policies, as a user without rights, in a
 * mount namespace in which the machine's files are as the unit finds them. There is no panel here, so wlroots draws
 * into memory.
 */
export class KioskSession implements AsyncDisposable {
  readonly #child: ChildProcess
  stderr = ''
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | NodeJS.Signals | null>

  constructor({ port, secretFile }: Place) {
    const ours = `${execPath.replace(checkout, mounted)} ${mounted}/agent/cli.ts`
    const command = (unitSetting('ExecStart')[0] ?? '')
      .replace(`${installed} page show`, `${ours} page show --page-port ${String(port)}`)
      .replace('/etc/vlt-kiosk/page-secret', '/run/page-secret')
    const policies = readFileSync(join(here, 'vlt-kiosk-page.policies.json'), 'utf8')
    const script = `
      mount -t tmpfs tmpfs /etc/chromium && mkdir -p /etc/chromium/policies/managed
      printf %s "$POLICIES" > /etc/chromium/policies/managed/vlt-kiosk-page.json
      mount -t tmpfs tmpfs /run && mkdir -m 0700 /run/vlt-kiosk-page /run/seat
      cp ${secretFile} /run/page-secret
      chown ${nobody} /run/vlt-kiosk-page /run/seat /run/page-secret
      mkdir ${mounted} && mount --bind ${checkout} ${mounted}
      cd / && exec setpriv --reuid ${nobody} --regid ${nobody} --clear-groups --no-new-privs --bounding-set=-all ${command}`
    this.#child = spawn('unshare', ['--mount', 'sh', '-ec', script], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        POLICIES: policies.replace('127.0.0.1:8090', `127.0.0.1:${String(port)}`),
        ...Object.fromEntries(
          unitSetting('Environment').map((line) => line.split('=', 2) as [string, string]),
        ),
        RUNTIME_DIRECTORY: '/run/vlt-kiosk-page',
        // What logind gives to a session that PAM opens.
        XDG_RUNTIME_DIR: '/run/seat',
        ...{ WLR_BACKENDS: 'headless', WLR_RENDERER: 'pixman', WLR_LIBINPUT_NO_DEVICES: '1' },
      },
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.ended = once(this.#child, 'exit').then(
      ([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null,
    )
  }

  /** Ids of Chromium's processes of that kind, as their command line has it; `browser`: the one above all. */
  chromium(type: 'browser' | 'renderer'): number[] {
    return descendants(this.#child.pid ?? 0)
      .filter(({ command }) => command.includes('/chromium'))
      .filter(({ command }) =>
        type === 'browser'
          ? command.includes('--kiosk') && !command.includes('--type=') && !command.includes('cage')
          : command.includes(`--type=${type}`),
      )
      .map(({ pid }) => pid)
  }

  /** As `systemctl stop` does. */
  stop(): void {
    this.#child.kill('SIGTERM')
  }

  /** What systemd does when the main process has ended: nothing of the session stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pid } of descendants(this.#child.pid ?? 0)) end(pid)
    end(-(this.#child.pid ?? 0))
    await this.ended
  }
}

function end(pid: number): void {
  try {
    kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

interface Process {
  pid: number
  parent: number
  command: string
}

function descendants(root: number): Process[] {
  const all = readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return [{ pid: Number(name), parent, command }]
    } catch {
      return []
    }
  })
  const below = (parent: number): Process[] =>
    all.filter((process) => process.parent === parent).flatMap((process) => [process, ...below(process.pid)])
  return below(root)
}
