import { statfsSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { version } from 'node:process'
import { timeSyncs } from '../../shared/sync-times.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

// Since Node 24 it hashes passwords with argon2 by itself.
const oldestNode = 24

export function checkNode(running: string = version): Finding {
  const major = Number(/^v(\d+)\./.exec(running)?.[1])
  if (major >= oldestNode) return ok('node', running)
  return fail('node', running, `Run vlt-server with Node ${String(oldestNode)} or newer.`)
}

/** Whether only the user this runs as gets at the data. */
export function checkFolder(folder: string): Finding {
  const check = 'data folder'
  const path = resolve(folder)
  const { mode, uid } = statSync(folder)
  const octal = (mode & 0o777).toString(8)
  const me = userInfo()
  if (me.uid !== 0 && uid !== me.uid) {
    const detail = `${path} belongs to user ${String(uid)}, not to ${me.username}`
    return warn(check, detail, 'Run vlt-server, and its commands, as the user that owns the data folder.')
  }
  if ((mode & 0o077) !== 0) {
    return warn(check, `${path} has mode ${octal}: others get in`, `Run: chmod 700 ${path}`)
  }
  return ok(check, `${path}, mode ${octal}, of user ${String(uid)}`)
}

const mebibyte = 1024 * 1024
const warnBelow = 1024 * mebibyte
const failBelow = 64 * mebibyte

export function checkSpace(
  folder: string,
  { bavail, bsize }: { bavail: number; bsize: number } = statfsSync(folder),
): Finding {
  const check = 'disk space'
  const free = bavail * bsize
  const detail = `${String(Math.floor(free / mebibyte))} MiB free for the data folder`
  if (free < failBelow) return fail(check, detail, 'Free space now: soon nothing can be stored any more.')
  if (free < warnBelow) return warn(check, detail, 'Free space, or move the data folder to a larger disk.')
  return ok(check, detail)
}

const flushes = 20
const slowFlushMs = 20

/** How long it takes until 4 KiB are safely on the disk: every registration waits for that once. */
export function checkFlush(folder: string, times: number[] = timeSyncs(folder, flushes)): Finding {
  const check = 'disk flush'
  const sorted = times.toSorted((a, b) => a - b)
  const [median = 0, slowest = 0] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
  const detail = `median ${milliseconds(median)}, slowest ${milliseconds(slowest)}`
  if (median <= slowFlushMs) return ok(check, detail)
  return warn(check, detail, 'Registrations wait for this disk: give --data a faster local one.')
}

export function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`
}
