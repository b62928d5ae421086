import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError, nativeCode } from '../../shared/errors.ts'
import { writeWholeFile } from '../../shared/whole-file.ts'

/** The secrets of an outbox. All keys are 32 random bytes. */
export interface Keyring {
  /** For keyed hashes. Never changes, because hashes cannot be made anew. */
  index: Buffer
  /** Seal what is kept of people. The one with the highest number seals, all of them open. */
  data: DataKey[]
}

export interface DataKey {
  number: number
  /** ISO 8601. */
  createdAt: string
  key: Buffer
}

const keyBytes = 32
const key = z
  .base64()
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((bytes) => bytes.length === keyBytes)
const keyringSchema = z.object({
  index: key,
  data: z.array(z.object({ number: z.int().min(1).max(65_535), createdAt: z.string(), key })).min(1),
})
/** As it is, or wrapped under a secret from elsewhere. */
const fileSchema = z.union([keyringSchema, z.object({ wrapped: z.base64() })])

/** Where the keys of an outbox are kept. */
export interface KeyPlace {
  path: string
  /** Wraps the keys file, where there is one; text or bytes of any length. */
  secret: Buffer | undefined
}

/** `secretFile` is most likely a systemd credential. Throws `outbox-key-unusable`. */
export function keyPlace(dataFolder: string, secretFile: string | undefined): KeyPlace {
  const path = join(dataFolder, 'outbox-keys.json')
  if (secretFile === undefined) return { path, secret: undefined }
  const secret = attempt(secretFile, () => readFileSync(secretFile))
  if (secret.length < 16) throw new AppError('outbox-key-unusable', `${secretFile} holds less than 16 bytes`)
  return { path, secret }
}

/** Undefined where there is no keys file. Throws `outbox-key-unusable` or `outbox-key-mismatch`. */
export function readKeyring({ path, secret }: KeyPlace): Keyring | undefined {
  const text = attempt(path, () => {
    const { mode } = statSync(path, { throwIfNoEntry: false }) ?? {}
    if (mode === undefined) return undefined
    if ((mode & 0o077) !== 0) throw new AppError('outbox-key-unusable', `${path} can be read by other users`)
    return readFileSync(path, 'utf8')
  })
  if (text === undefined) return undefined
  const file = fileSchema.safeParse(jsonOrUndefined(text))
  // Without zod's own message, which could repeat what stands in the file.
  if (!file.success) throw new AppError('outbox-key-unusable', `${path} is no keys file`)
  if ('data' in file.data) return file.data
  if (secret === undefined)
    throw new AppError('outbox-key-missing', `${path} is wrapped, and there is no --outbox-key-file`)
  return keyringSchema.parse(unwrap(path, file.data.wrapped, secret))
}

/** A keyring of new random keys, on the disk when this returns. */
export function createKeyring(place: KeyPlace, now: string): Keyring {
  const keyring = { index: randomBytes(keyBytes), data: [newDataKey(1, now)] }
  writeKeyring(place, keyring)
  return keyring
}

export function newDataKey(number: number, createdAt: string): DataKey {
  return { number, createdAt, key: randomBytes(keyBytes) }
}

/**
 * Takes the place of the keyring before, at once; on the disk when this returns. Throws `outbox-key-unusable` or
 * `disk-full`.
 */
export function writeKeyring({ path, secret }: KeyPlace, keyring: Keyring): void {
  const plain = {
    index: keyring.index.toString('base64'),
    data: keyring.data.map((entry) => ({ ...entry, key: entry.key.toString('base64') })),
  }
  const text = JSON.stringify(secret === undefined ? plain : { wrapped: wrap(plain, secret) }, null, 2)
  attempt(path, () => {
    writeWholeFile(path, `${text}\n`)
  })
}

/** Whether the keys file is wrapped. */
export function isWrapped({ path }: KeyPlace): boolean {
  return attempt(path, () => readFileSync(path, 'utf8')).includes('"wrapped"')
}

function wrap(plain: unknown, secret: Buffer): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', hash('sha256', secret, 'buffer'), iv)
  const sealed = [iv, cipher.update(JSON.stringify(plain)), cipher.final()]
  return Buffer.concat([...sealed, cipher.getAuthTag()]).toString('base64')
}

function unwrap(path: string, wrapped: string, secret: Buffer): unknown {
  const bytes = Buffer.from(wrapped, 'base64')
  try {
    const decipher = createDecipheriv(
      'aes-256-gcm',
      hash('sha256', secret, 'buffer'),
      bytes.subarray(0, 12),
      { authTagLength: 16 },
    )
    decipher.setAuthTag(bytes.subarray(-16))
    return JSON.parse(decipher.update(bytes.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8'))
  } catch {
    throw new AppError('outbox-key-mismatch', `${path} does not open with this --outbox-key-file`)
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const code = nativeCode(cause) ?? 'unknown error'
    const isFull = code === 'ENOSPC'
    throw new AppError(isFull ? 'disk-full' : 'outbox-key-unusable', `cannot use ${path} (${code})`, {
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
