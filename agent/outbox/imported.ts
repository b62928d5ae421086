import type { OutboxFile } from './file.ts'

/**
 * Remembers that this came from a list, by a keyed hash since it is personal, and answers whether it is new. To be called
 * in the transaction that stores it. Kept for good.
 */
export function rememberImported(file: OutboxFile, content: string): boolean {
  const key = file.seals.listKey(content)
  return file.statement('INSERT OR IGNORE INTO imported (key) VALUES (?)').run(key).changes === 1
}
