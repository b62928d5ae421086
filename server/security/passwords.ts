import { randomBytes, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { AppError } from '../../shared/errors.ts'
import { createHashThreads } from './hash-threads.ts'

/** OWASP's Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. */
export const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const

const saltBytes = 16
const hashBytes = 32

// What one core works off in about two seconds: whoever would wait longer is told to come back.
const waitingPerCore = 64

export interface Passwords extends AsyncDisposable {
  /** A PHC string, such as `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`. Throws `passwords-busy`. */
  hash(password: string): Promise<string>
  /**
   * Whether the password is the one that was hashed. Without a hash (nobody of that name) it takes the same time
   * and answers false. `outdated`: hashed at another cost, to be replaced while the password is at hand.
   *
   * Throws `passwords-busy`.
   */
  verify(password: string, hash: string | undefined): Promise<{ matches: boolean; outdated: boolean }>
  /** How many are being hashed now, and how many wait for their turn. */
  load(): { running: number; waiting: number }
}

interface Cost {
  memory: number
  passes: number
  parallelism: number
}

// One that is hashed and one that is next: no core waits for the event loop to hand it something.
const givenPerCore = 2

/**
 * Hashing is meant to be dear, so it has a budget: at most one hash per core at a time, and a bounded number
 * waiting. The pepper comes from the keyring: hashes stolen without it cannot be guessed.
 */
export function createPasswords(pepper: Buffer, cores: number = availableParallelism()): Passwords {
  const decoy = { ...cost, salt: randomBytes(saltBytes), hash: randomBytes(hashBytes) }
  const threads = createHashThreads(cores)
  const waiting: (() => void)[] = []
  // To the threads.
  let given = 0
  const load = (): ReturnType<Passwords['load']> => {
    const running = Math.min(given, cores)
    return { running, waiting: given - running + waiting.length }
  }

  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (load().waiting >= cores * waitingPerCore) {
      throw new AppError('passwords-busy', 'more passwords wait than this machine can check')
    }
    if (given >= cores * givenPerCore) await new Promise<void>((resolve) => waiting.push(resolve))
    else given += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      // The place goes to the next one directly, so that nobody can slip in between.
      if (next === undefined) given -= 1
      else next()
    }
  }

  const hashWith = (password: string, salt: Buffer, { memory, passes, parallelism }: Cost): Promise<Buffer> =>
    inTurn(() =>
      threads.derive({
        // Two keyboards may write one letter in two ways.
        message: password.normalize('NFC'),
        nonce: salt,
        secret: pepper,
        memory,
        passes,
        parallelism,
        tagLength: hashBytes,
      }),
    )

  return {
    async hash(password) {
      const salt = randomBytes(saltBytes)
      return formatPhc({ ...cost, salt, hash: await hashWith(password, salt, cost) })
    },
    async verify(password, text) {
      const stored = text === undefined ? decoy : parsePhc(text)
      const matches = timingSafeEqual(await hashWith(password, stored.salt, stored), stored.hash)
      const { memory, passes, parallelism } = stored
      const outdated = memory !== cost.memory || passes !== cost.passes || parallelism !== cost.parallelism
      return { matches: matches && text !== undefined, outdated }
    },
    load,
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  }
}

type Stored = Cost & { salt: Buffer; hash: Buffer }

/** The PHC string format (https://github.com/P-H-C/phc-string-format): base64 without padding. */
function formatPhc({ memory, passes, parallelism, salt, hash }: Stored): string {
  const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
  const parameters = `m=${String(memory)},t=${String(passes)},p=${String(parallelism)}`
  return `$argon2id$v=19$${parameters}$${base64(salt)}$${base64(hash)}`
}

function parsePhc(text: string): Stored {
  const parts = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(text)
  if (parts === null) throw new Error('a stored password hash is none of ours')
  const [, memory, passes, parallelism, salt = '', hash = ''] = parts
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  }
}
