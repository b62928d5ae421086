import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Database } from '../database/database.ts'
import type { Keyring } from '../security/keyring.ts'
import { refuseOtherKeyring } from '../security/open-keyring.ts'
import { findProofs } from '../security/store.ts'
import { type Finding, ok, warn } from './finding.ts'

const dayMs = 24 * 60 * 60 * 1000
const oldDays = 400

/** Whether the keys file is the one of this database, readable by its owner alone, and how old its keys are. */
export async function checkKeys(
  database: Database,
  path: string,
  keyring: Keyring | undefined,
  clock: Clock,
): Promise<Finding> {
  const proofs = await database.query(findProofs)
  if (keyring === undefined) {
    if (proofs.size > 0) throw new AppError('keys-missing', `${path} is not there`)
    return warn(
      'keys',
      `${path} is not there yet`,
      'The first start of the server creates it: back it up then.',
    )
  }
  refuseOtherKeyring(path, keyring, proofs)
  const ages = { data: daysOf(keyring.data, clock), tokens: daysOf(keyring.tokens, clock) }
  const told = Object.entries(ages).map(
    ([kind, days]) => `${kind} key ${days === undefined ? 'of unknown age' : `${String(days)} days old`}`,
  )
  const detail = `${path}, ${told.join(', ')}`
  const old = Object.entries(ages).flatMap(([kind, days]) => ((days ?? 0) > oldDays ? [kind] : []))
  if (old.length === 0) return ok('keys', detail)
  return warn('keys', detail, old.map((kind) => `Run: vlt-server keys rotate ${kind}`).join('. '))
}

/** The newest key is the first; its name holds the day it was made: see newKey. */
function daysOf([newest]: { id: string }[], clock: Clock): number | undefined {
  const day = /^[a-z](\d{4}-\d{2}-\d{2})-/.exec(newest?.id ?? '')?.[1]
  return day === undefined ? undefined : Math.floor((Date.parse(clock.now()) - Date.parse(day)) / dayMs)
}
