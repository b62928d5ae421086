import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Keys } from '../../agent/outbox/keys.ts'
import { Letters } from '../../agent/outbox/letters.ts'
import type { Outbox } from '../../agent/outbox/outbox.ts'
import { Upkeep } from '../../agent/outbox/upkeep.ts'
import type { Random } from './random.ts'

/** The process was killed here; nothing of it goes on. */
export class Killed extends Error {}

/** A kill between two calls of the outbox, or in the middle of one's commit. */
export interface CrashPlan {
  /** So many calls still return. */
  calls: number
  isTorn: boolean
}

/**
 * The outbox as the program knows it, which dies with the program at a call of its own: when `plan` says so, the files
 * are copied to `grave()` as they are at that moment, and the call throws.
 */
export function crashable(
  outbox: Outbox,
  at: {
    folder: string
    grave: () => string
    plan: () => CrashPlan | undefined
    random: Random
    /** Something may have been written. */
    touched: (method: string | symbol) => void
  },
): Outbox {
  let isDead = false
  const call = (method: () => unknown): unknown => {
    if (isDead) throw new Killed()
    const plan = at.plan()
    if (plan === undefined) return method()
    plan.calls -= 1
    if (plan.calls >= 0) return method()
    const before = plan.isTorn ? logOf(at.folder) : undefined
    method()
    isDead = true
    const grave = at.grave()
    copyFolder(at.folder, grave)
    if (before !== undefined) tear(grave, before, at.folder, at.random)
    throw new Killed()
  }
  return aroundCalls(outbox, (name, method) => {
    if (name === Symbol.dispose) return method()
    at.touched(name)
    return call(method)
  })
}

/** The outbox and its parts with something around each of their calls. */
export function aroundCalls<T extends object>(
  part: T,
  around: (name: string | symbol, call: () => unknown, args: unknown[]) => unknown,
): T {
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (value instanceof Letters || value instanceof Upkeep || value instanceof Keys)
        return aroundCalls(value, around)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) =>
        around(name, () => (value as (...args: unknown[]) => unknown).apply(target, args), args)
    },
  })
}

/** From here on a file is linked, not copied: ballast that nobody reads. */
const bulkyBytes = 4 * 1024 * 1024

/** Every file of a folder, as a killed process leaves it. */
export function copyFolder(from: string, to: string): void {
  mkdirSync(to)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (!entry.isFile()) continue
    const copy = statSync(join(from, entry.name)).size < bulkyBytes ? copyFileSync : linkSync
    copy(join(from, entry.name), join(to, entry.name))
  }
}

interface LogBefore {
  bytes: Buffer
  /** When the database itself was written last: once it was, the log is history. */
  databaseAt: bigint
}

const walName = 'outbox.db-wal'

function logOf(folder: string): LogBefore {
  const path = join(folder, walName)
  return { bytes: existsSync(path) ? readFileSync(path) : Buffer.alloc(0), databaseAt: writtenAt(folder) }
}

function writtenAt(folder: string): bigint {
  return statSync(join(folder, 'outbox.db'), { bigint: true }).mtimeNs
}

/** Undoes the last commit from some byte on: the log is written front to back. */
function tear(grave: string, before: LogBefore, folder: string, random: Random): void {
  if (writtenAt(folder) !== before.databaseAt) return
  const path = join(grave, walName)
  const after = readFileSync(path)
  const first = firstDifference(before.bytes, after)
  if (first === after.length) return
  const end = random.between(first, after.length)
  writeFileSync(path, Buffer.concat([after.subarray(0, end), before.bytes.subarray(end)]))
}

function firstDifference(before: Buffer, after: Buffer): number {
  const common = Math.min(before.length, after.length)
  if (before.compare(after, 0, common, 0, common) === 0) return common
  let at = 0
  while (before[at] === after[at]) at += 1
  return at
}
