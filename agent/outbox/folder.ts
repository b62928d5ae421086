import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '../../shared/errors.ts'
import { markPath } from './mark.ts'
import { heldError, holderOf } from './storage-errors.ts'

export function outboxPath(dataFolder: string): string {
  return join(dataFolder, 'outbox.db')
}

/** Every file that belongs to an outbox: they are only ever moved together. */
export function outboxFiles(dataFolder: string): string[] {
  const path = outboxPath(dataFolder)
  const all = [path, `${path}-wal`, `${path}-shm`, bornMarker(path), markPath(path)]
  return all.filter((file) => existsSync(file))
}

/** Makes the data folder, for this user alone. */
export function prepareDataFolder(dataFolder: string): void {
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
    accessSync(dataFolder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new AppError('data-folder-unusable', `cannot use the data folder ${dataFolder}`, { cause })
  }
}

/** Throws `outbox-locked` while a process holds the outbox; opens nothing. */
export function refuseIfHeld(dataFolder: string): void {
  const path = outboxPath(dataFolder)
  const holder = holderOf(path)
  if (holder !== undefined) throw heldError(path, holder)
}

/**
 * An outbox that was there once and is now missing or empty is a loss to be told, not a first start; so is a
 * write-ahead log without its database, which may hold registrations.
 */
export function refuseLostOutbox(path: string): void {
  const isThere = sizeOf(path) > 0
  if (!isThere && (existsSync(bornMarker(path)) || existsSync(markPath(path)))) {
    throw new AppError('outbox-corrupt', `the outbox ${path} was there and is now missing or empty`)
  }
  if (!isThere && sizeOf(`${path}-wal`) > 0) {
    throw new AppError('outbox-corrupt', `${path}-wal is there but ${path} is missing or empty`)
  }
}

/** Left beside an outbox that turned out damaged in use, for the next start to salvage it. */
function damageReport(path: string): string {
  return `${path}-damaged`
}

export function reportDamage(path: string): void {
  closeSync(openSync(damageReport(path), 'a', 0o600))
}

export function isReportedDamaged(path: string): boolean {
  return existsSync(damageReport(path))
}

export function dropDamageReport(path: string): void {
  rmSync(damageReport(path), { force: true })
}

/** Left beside an outbox of version 1 at its birth; the mark has taken its place. */
function bornMarker(path: string): string {
  return `${path}-born`
}

export function dropBornMarker(path: string): void {
  rmSync(bornMarker(path), { force: true })
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
