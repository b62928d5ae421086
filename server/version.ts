import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** Version of this program, as its package names it. */
export function programVersion(): string {
  const path = findPackageJSON(import.meta.url)
  if (path === undefined) return 'unknown'
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return manifest.version
}
