import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError, nativeCode } from '../../shared/errors.ts'

const minLength = 32

/**
 * The secret whose holder is the page. From the file that the installer made for agent and kiosk session, or from one
 * of our own in the data folder: it outlives a restart, and so does the page that is open. Throws `page-secret-unusable`.
 */
export function readPageSecret(data: string, file: string | undefined): string {
  const path = file ?? join(data, 'page-secret')
  try {
    if (file === undefined) create(path)
    const secret = readFileSync(path, 'utf8').trim()
    if (secret.length >= minLength) return secret
  } catch (cause) {
    throw new AppError('page-secret-unusable', `the page’s secret in ${path} cannot be read`, { cause })
  }
  throw new AppError('page-secret-unusable', `${path} holds no secret of ${String(minLength)} characters`)
}

function create(path: string): void {
  try {
    writeFileSync(path, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (nativeCode(error) !== 'EEXIST') throw error
  }
}
