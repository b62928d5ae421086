import { readFileSync, statSync } from 'node:fs'
import { AppError, nativeCode } from '../../shared/errors.ts'

/** Runs `work`, turning what SQLite throws into an AppError. */
export function withStorageErrors<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw asStorageError(path, error)
  }
}

function asStorageError(path: string, error: unknown): unknown {
  if (error instanceof AppError) return error
  const code = nativeCode(error)
  if (code === 'ENOSPC') return new AppError('disk-full', `the disk of ${path} is full`, { cause: error })
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new AppError('outbox-unusable', `cannot open the outbox ${path} (${code})`, { cause: error })
  }
  if (!code?.startsWith('SQLITE_')) return error
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return heldError(path, holderOf(path), error)
  }
  // A damaged header says so without a code of its own.
  const isForeign = code === 'SQLITE_ERROR' && (error as Error).message === 'unsupported file format'
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || isForeign) {
    return new AppError('outbox-corrupt', `the outbox ${path} is damaged (${code})`, { cause: error })
  }
  if (code === 'SQLITE_FULL')
    return new AppError('disk-full', `the disk of ${path} is full`, { cause: error })
  if (
    code.startsWith('SQLITE_CANTOPEN') ||
    code.startsWith('SQLITE_READONLY') ||
    code.startsWith('SQLITE_PERM')
  ) {
    return new AppError('outbox-unusable', `cannot open the outbox ${path} (${code})`, { cause: error })
  }
  return new AppError('storage-failed', `the outbox ${path} cannot be written (${code})`, { cause: error })
}

export function heldError(path: string, holder: number | undefined, cause?: unknown): AppError {
  const by = holder === undefined ? '' : ` by process ${String(holder)}`
  return new AppError('outbox-locked', `the outbox ${path} is held${by}`, { cause })
}

/** Which process holds the file's lock, from /proc/locks (proc(5)); undefined where that cannot be read. */
export function holderOf(path: string): number | undefined {
  try {
    const inode = statSync(path).ino
    const line = readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .find((entry) => entry.includes(`:${String(inode)} `))
    const pid = Number(line?.trim().split(/\s+/)[4])
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}
