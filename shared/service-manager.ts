import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'

const run = promisify(execFile)

export interface ServiceManager {
  ready(status: string): Promise<void>
  stopping(): Promise<void>
  /** Feeds the watchdog for as long as `alive` says so; returns when aborted. */
  run(signal: AbortSignal): Promise<void>
}

/** Answers why the program is not doing its work, or undefined while it does. */
export type Liveness = () => Promise<string | undefined>

/**
 * Tells systemd that the program is ready, alive, stopping (sd_notify(3)). Node has no Unix datagram sockets, so
 * each message is one run of systemd-notify(1), which the units allow with NotifyAccess=all.
 *
 * Without `NOTIFY_SOCKET` every call does nothing: the program runs the same from a terminal.
 */
export function createServiceManager(
  env: Record<string, string | undefined>,
  alive: Liveness,
  clock: Clock,
  log: Log,
): ServiceManager {
  const socket = env['NOTIFY_SOCKET']
  const watchdogMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1000

  const notify = async (...assignments: string[]): Promise<void> => {
    if (socket === undefined) return
    try {
      await run('systemd-notify', assignments, { env: { ...env, NOTIFY_SOCKET: socket }, timeout: 5_000 })
    } catch (error) {
      log.error({ err: error }, 'the service manager could not be told')
    }
  }

  return {
    ready: (status) => notify('READY=1', `STATUS=${status}`),
    stopping: () => notify('STOPPING=1'),
    async run(signal) {
      if (socket === undefined || watchdogMs === 0) return
      while (!signal.aborted) {
        const blocked = await alive()
        if (blocked === undefined) await notify('WATCHDOG=1')
        else log.error({ blocked }, 'watchdog not fed')
        await clock.sleep(watchdogMs / 3, signal)
      }
    },
  }
}
