import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto'
import type { Keyring } from './keyring.ts'

/** Personal data at rest: sealed for storing, indexed for finding. */
export interface Vault {
  /**
   * AES-256-GCM under the newest data key, as `<key id>.<base64url>`. `purpose` names table and row (such as
   * `clients:70`) and is bound to the text: a sealed value copied to another place does not open there.
   */
  seal(purpose: string, text: string): string
  /** What was sealed for the same purpose. Throws when the value was changed, or its key is gone. */
  open(purpose: string, sealed: string): string
  /** Blind index: equal texts of one purpose give equal values, and nobody without the key can tell which text. */
  index(purpose: string, text: string): string
}

const ivBytes = 12
const tagBytes = 16

export function createVault(keyring: Pick<Keyring, 'data' | 'index'>): Vault {
  // As key objects: made of bytes, a key costs more than what is done with it.
  const keys = new Map(keyring.data.map(({ id, key }) => [id, createSecretKey(key)]))
  const indexKey = createSecretKey(keyring.index)
  const [newest] = keys
  if (newest === undefined) throw new Error('a keyring has at least one data key')
  const [newestId, newestKey] = newest

  return {
    seal(purpose, text) {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', newestKey, iv, { authTagLength: tagBytes })
      cipher.setAAD(Buffer.from(purpose))
      const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `${newestId}.${sealed.toString('base64url')}`
    },
    open(purpose, sealed) {
      const [id = '', text = ''] = sealed.split('.', 2)
      const key = keys.get(id)
      if (key === undefined) throw new Error(`the keyring has no data key ${id}`)
      const bytes = Buffer.from(text, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), {
        authTagLength: tagBytes,
      })
      decipher.setAAD(Buffer.from(purpose))
      decipher.setAuthTag(bytes.subarray(-tagBytes))
      return decipher.update(bytes.subarray(ivBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8')
    },
    index(purpose, text) {
      return createHmac('sha256', indexKey).update(`${purpose}\0${text}`).digest('base64url')
    },
  }
}
