/** The page's files as `npm run build:page` made them; read once, served from memory. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError, nativeCode } from '../../shared/errors.ts'

export interface PageFile {
  content: Buffer
  type: string
}

export interface PageFiles {
  /** By path, `/` for the page itself. */
  byPath: ReadonlyMap<string, PageFile>
  /** Changes with any of them. */
  build: string
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

export const builtPage = fileURLToPath(new URL('dist', import.meta.url))

/** Throws `page-missing` where the page was not built. */
export function readPageFiles(folder: string = builtPage): PageFiles {
  const byPath = new Map<string, PageFile>()
  const hash = createHash('sha256')
  for (const file of list(folder)) {
    const content = readFileSync(file)
    const name = relative(folder, file)
    hash.update(name).update(content)
    const path = name === 'index.html' ? '/' : `/${name}`
    byPath.set(path, { content, type: types[extname(name)] ?? 'application/octet-stream' })
  }
  if (!byPath.has('/')) throw new AppError('page-missing', `no kiosk page in ${folder}`)
  return { byPath, build: hash.digest('hex').slice(0, 12) }
}

function list(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
  } catch (cause) {
    if (nativeCode(cause) === 'ENOENT') return []
    throw cause
  }
}
