import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Settings } from '../config.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { hasSqlite, holdDataFolder } from '../database/sqlite/connect.ts'
import { type Keyring, readKeyring } from '../security/keyring.ts'
import { createVault } from '../security/vault.ts'
import {
  checkClock,
  checkLatency,
  checkMigrations,
  checkPostgres,
  checkRows,
  checkSqlite,
} from './database.ts'
import { examine, type Finding, warn } from './finding.ts'
import { checkKeys } from './keys.ts'
import { checkFlush, checkFolder, checkNode, checkSpace } from './machine.ts'
import { checkAddresses, checkDestination, checkMailServer, checkServer, checkTls } from './network.ts'
import { checkBacklog, checkKiosks, checkTrail } from './records.ts'

/** Looks at everything a server with these settings stands on, and changes nothing. */
export async function runDoctor(settings: Settings, clock: Clock): Promise<Finding[]> {
  const { data: folder } = settings
  return [
    ...(await examine('node', () => checkNode())),
    ...(await examineFolder(folder)),
    ...(await examineDatabase(settings, clock)),
    ...(await examine('tls', () => checkTls(settings, clock))),
    ...(await examine('public url', () => checkAddresses(settings))),
    ...(await examine('vlt destination', () => checkDestination(settings))),
    ...(await examine('mail', () => checkMailServer(settings))),
    ...(await examine('server', () => checkServer(settings, isHeld(settings)))),
  ]
}

const firstStart = 'Start the server, or run `vlt-server migrate`: both create it.'

async function examineFolder(folder: string): Promise<Finding[]> {
  if (!existsSync(folder)) return [warn('data folder', `${folder} is not there yet`, firstStart)]
  return [
    ...(await examine('data folder', () => checkFolder(folder))),
    ...(await examine('disk space', () => checkSpace(folder))),
    ...(await examine('disk flush', () => checkFlush(folder))),
  ]
}

async function examineDatabase(settings: Settings, clock: Clock): Promise<Finding[]> {
  const { data: folder, databaseUrl: url, keys } = settings
  const keysFile = keys ?? join(folder, 'keys.json')
  if (url === undefined && !hasSqlite(folder)) {
    return [warn('database', 'there is none in the data folder yet', firstStart)]
  }
  return examine('database', async () => {
    await using database = await openDatabase({ folder, url }, clock, 'look')
    const findings = await examine('database', () =>
      url === undefined ? checkSqlite(database) : checkPostgres(database, url),
    )
    if (url !== undefined) {
      findings.push(...(await examine('database latency', () => checkLatency(database))))
      findings.push(...(await examine('clock', () => checkClock(database, clock))))
    }
    const migrations = await examine('migrations', () => checkMigrations(database))
    findings.push(...migrations)
    // What follows reads tables that an older schema may lack.
    if (migrations.some(({ state }) => state !== 'ok')) return findings
    return [...findings, ...(await examineRecords(database, keysFile, clock))]
  })
}

async function examineRecords(database: Database, keysFile: string, clock: Clock): Promise<Finding[]> {
  let keyring: Keyring | undefined
  const findings = await examine('keys', () => {
    keyring = readKeyring(keysFile)
    return checkKeys(database, keysFile, keyring, clock)
  })
  if (keyring !== undefined) {
    const vault = createVault(keyring)
    findings.push(...(await examine('audit trail', () => checkTrail(database, vault))))
  }
  findings.push(...(await examine('mail backlog', () => checkBacklog(database, clock))))
  findings.push(...(await examine('kiosks', () => checkKiosks(database, clock))))
  findings.push(...(await examine('rows', () => checkRows(database))))
  return findings
}

/** Whether a server holds the data folder; unknown on PostgreSQL, where none does. */
function isHeld({ data: folder, databaseUrl }: Settings): boolean | undefined {
  if (databaseUrl !== undefined) return undefined
  if (!existsSync(join(folder, 'server.lock'))) return false
  try {
    holdDataFolder(folder)[Symbol.dispose]()
    return false
  } catch (error) {
    if (error instanceof AppError && error.code === 'database-locked') return true
    throw error
  }
}
