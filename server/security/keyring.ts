import { randomBytes } from 'node:crypto'
import { fchownSync, fstatSync, linkSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { z } from 'zod'
import { AppError, nativeCode } from '../../shared/errors.ts'
import { writeWholeFile } from '../../shared/whole-file.ts'

/** Every secret of the server, in one file to keep, copy and back up. All keys are 32 random bytes. */
export interface Keyring {
  /** Seal personal data. The first one seals, all of them open. */
  data: NamedKey[]
  /** Sign tokens. The first one signs, the first two are believed. */
  tokens: NamedKey[]
  /** For look-ups by keyed hash. Never changes, because hashes cannot be made anew. */
  index: Buffer
  /** Mixed into every password hash. Never changes. */
  pepper: Buffer
}

export interface NamedKey {
  id: string
  key: Buffer
}

const keyBytes = 32

const key = z
  .base64()
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((bytes) => bytes.length === keyBytes)
const namedKeys = z.array(z.object({ id: z.string().regex(/^[a-z0-9-]{1,32}$/), key })).min(1)
const keyringSchema = z.object({ data: namedKeys, tokens: namedKeys, index: key, pepper: key })

/**
 * Reads the keyring at `path`, or undefined when there is no such file.
 *
 * Throws `keys-unusable` for a file that others can read or that is no keyring.
 */
export function readKeyring(path: string): Keyring | undefined {
  let text: string
  try {
    const { mode } = statSync(path)
    if ((mode & 0o077) !== 0) throw new AppError('keys-unusable', `${path} can be read by other users`)
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    if (nativeCode(cause) === 'ENOENT') return undefined
    throw new AppError('keys-unusable', `cannot read ${path} (${nativeCode(cause) ?? 'unknown error'})`, {
      cause,
    })
  }
  const parsed = keyringSchema.safeParse(jsonOrUndefined(text))
  // Without zod's own message, which could repeat what stands in the file.
  if (!parsed.success) throw new AppError('keys-unusable', `${path} is no keys file`)
  return parsed.data
}

/** A keyring of new random keys at `path`, or the one that another process has just written there. */
export function createKeyring(path: string): Keyring {
  const keyring = {
    data: [newKey('d')],
    tokens: [newKey('t')],
    index: randomBytes(keyBytes),
    pepper: randomBytes(keyBytes),
  }
  writeKeyring(path, keyring, (draft) => {
    try {
      linkSync(draft, path)
    } catch (error) {
      if (nativeCode(error) !== 'EEXIST') throw error
    }
  })
  const written = readKeyring(path)
  if (written === undefined) throw new AppError('keys-unusable', `${path} vanished while it was written`)
  return written
}

/** Puts `keyring` in the place of the one at `path`, at once and for the same owner. Throws `keys-unusable`. */
export function replaceKeyring(path: string, keyring: Keyring): void {
  // Secrets are often mounted as links.
  const place = realpathSync(path)
  writeKeyring(place, keyring)
}

/** A new key, named after the day so that a person can tell old from new. */
export function newKey(prefix: string): NamedKey {
  const day = new Date().toISOString().slice(0, 10)
  return { id: `${prefix}${day}-${randomBytes(3).toString('hex')}`, key: randomBytes(keyBytes) }
}

/** On disk when this returns: data sealed with keys that a power cut takes away would be lost. */
function writeKeyring(path: string, keyring: Keyring, settle?: (draft: string) => void): void {
  const named = ({ id, key }: NamedKey) => ({ id, key: key.toString('base64') })
  const text = JSON.stringify(
    {
      data: keyring.data.map(named),
      tokens: keyring.tokens.map(named),
      index: keyring.index.toString('base64'),
      pepper: keyring.pepper.toString('base64'),
    },
    null,
    2,
  )
  // Root may turn the keys of a service, which then has to read them.
  const keepOwner = (file: number): void => {
    const before = statSync(path, { throwIfNoEntry: false })
    if (before !== undefined && before.uid !== fstatSync(file).uid) fchownSync(file, before.uid, before.gid)
  }
  try {
    // Of its own: two processes may make the first keyring at once.
    const draft = `${path}.${randomBytes(4).toString('hex')}.new`
    writeWholeFile(path, `${text}\n`, { draft, prepare: keepOwner, settle })
  } catch (cause) {
    throw new AppError('keys-unusable', `cannot write ${path} (${nativeCode(cause) ?? 'unknown error'})`, {
      cause,
    })
  }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
