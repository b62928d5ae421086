import Sqlite from 'better-sqlite3'

const handles = new Map<string, Sqlite.Database>()
// Both programs set pragmas as they open a file; there is no other way to reach a connection that they keep to themselves.
type Pragma = (this: Sqlite.Database, source: string, options?: Sqlite.PragmaOptions) => unknown
const pragma = Object.getOwnPropertyDescriptor(Sqlite.prototype, 'pragma')?.value as Pragma
Sqlite.prototype.pragma = function (this: Sqlite.Database, source, options): unknown {
  handles.set(this.name, this)
  return pragma.call(this, source, options)
}

/** The newest connection of this process to the file. */
export function handleOf(path: string): Sqlite.Database {
  const handle = handles.get(path)
  if (handle === undefined) throw new Error(`nobody has opened ${path}`)
  return handle
}

export function forgetHandle(path: string): void {
  handles.delete(path)
}

/** From now on SQLite itself answers SQLITE_FULL to whatever needs another page of the file. */
export function fillDisk(path: string): void {
  handleOf(path).pragma('max_page_count = 1')
}

export function freeDisk(path: string): void {
  handleOf(path).pragma('max_page_count = 1073741823')
}
