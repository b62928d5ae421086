/** Below this, two connections that checkpoint at the same moment can corrupt a WAL database (sqlite.org, 3.51.3). */
const oldest = [3, 51, 3]

/** Whether this SQLite, as sqlite_version() names it, is safe to keep registrations in. */
export function isSafeSqlite(version: string): boolean {
  const parts = version.split('.').map(Number)
  const order = oldest.map((part, place) => (parts[place] ?? 0) - part).find((step) => step !== 0)
  return (order ?? 0) >= 0
}
