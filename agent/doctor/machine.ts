import { statfsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { version } from 'node:process'
import { timeSyncs } from '../../shared/sync-times.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const oldestNode = 24

export function checkNode(running: string = version): Finding {
  const major = Number(/^v(\d+)\./.exec(running)?.[1])
  if (major >= oldestNode) return ok('node', running)
  return fail('node', running, `Run vlt-agent with Node ${String(oldestNode)} or newer.`)
}

/** Whether only the user this runs as gets at the data. */
export function checkFolder(folder: string): Finding {
  const { mode, uid } = statSync(folder)
  const detail = `${resolve(folder)}, mode ${(mode & 0o777).toString(8)}, of user ${String(uid)}`
  if ((mode & 0o077) === 0) return ok('data-folder', detail)
  return warn('data-folder', `${detail}: others get in`, `Run: chmod 700 ${resolve(folder)}`)
}

const mebibyte = 1024 * 1024

/** @param floorMib below it the agent takes no tap */
export function checkSpace(
  folder: string,
  floorMib: number,
  { bavail, bsize }: { bavail: number; bsize: number } = statfsSync(folder),
): Finding {
  const free = Math.floor((bavail * bsize) / mebibyte)
  const detail = `${String(free)} MiB free, taps are refused below ${String(floorMib)} MiB`
  if (free < floorMib) return fail('disk-space', detail, 'Free space now: no tap is taken.')
  if (free < 4 * floorMib) return warn('disk-space', detail, 'Free space soon, or move the data folder.')
  return ok('disk-space', detail)
}

const syncs = 20
const slowSyncMs = 50
/** No medium writes 4 KiB in less; whoever says so has kept it in memory. */
const impossibleSyncMs = 0.02

/** How long it takes until 4 KiB are said to be on the disk: every tap waits for that once. */
export function checkSync(folder: string, times: number[] = timeSyncs(folder, syncs)): Finding {
  const sorted = times.toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0
  const detail = `median ${median.toFixed(3)} ms, slowest ${(sorted.at(-1) ?? 0).toFixed(3)} ms`
  if (median < impossibleSyncMs) {
    const hint =
      'This disk answers before it can have written: after a power cut accepted taps may be missing. Put --data on a local disk that keeps its word (no tmpfs, no write cache without battery).'
    return warn('disk-sync', `${detail}: implausibly fast`, hint)
  }
  if (median > slowSyncMs)
    return warn('disk-sync', detail, 'Every tap waits for this disk: give --data a faster one.')
  return ok('disk-sync', detail)
}
