import { argon2Sync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { cost, createPasswords, type Passwords } from './passwords.ts'

const pepper = Buffer.alloc(32, 1)
const passwords = createPasswords(pepper)
afterAll(() => passwords[Symbol.asyncDispose]())
const right = { matches: true, outdated: false }
const wrong = { matches: false, outdated: false }

const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
/** A hash made at another time, in another way. */
function hashOf(
  message: string,
  { secret, ...changes }: Partial<Record<keyof typeof cost, number>> & { secret?: Buffer } = {},
): string {
  const { memory, passes, parallelism } = { ...cost, ...changes }
  const nonce = Buffer.alloc(16, 2)
  const parameters = { message, nonce, memory, passes, parallelism, tagLength: 32 }
  const hash = argon2Sync('argon2id', secret === undefined ? parameters : { ...parameters, secret })
  const [m, t, p] = [memory, passes, parallelism].map(String)
  return `$argon2id$v=19$m=${m ?? ''},t=${t ?? ''},p=${p ?? ''}$${base64(nonce)}$${base64(hash)}`
}

test('a hash is a PHC string at the cost that OWASP names, salted anew each time', async () => {
  const hashes = await Promise.all([passwords.hash('securePass123'), passwords.hash('securePass123')])
  for (const hash of hashes) {
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(await passwords.verify('securePass123', hash)).toEqual(right)
    expect(await passwords.verify('securePass124', hash)).toEqual(wrong)
  }
  expect(hashes[0]).not.toBe(hashes[1])
})

test('the hash is argon2id of password and pepper, and says nothing without the pepper', async () => {
  expect(await passwords.verify('pass', hashOf('pass', { secret: pepper }))).toEqual(right)
  expect(await passwords.verify('pass', hashOf('pass'))).toEqual(wrong)
  const hash = await passwords.hash('pass')
  await using others = createPasswords(Buffer.alloc(32, 9))
  expect(await others.verify('pass', hash)).toEqual(wrong)
})

test('a letter written in two ways is one password; case and spaces are not touched', async () => {
  const hash = await passwords.hash('contrase\u00f1a')
  expect(await passwords.verify('contrasen\u0303a', hash)).toEqual(right)
  expect(await passwords.verify('Contrase\u00f1a', hash)).toEqual(wrong)
  expect(await passwords.verify('contrase\u00f1a ', hash)).toEqual(wrong)
})

test.for([{ memory: 9_216 }, { passes: 3 }, { parallelism: 2 }])(
  'a hash at cost %o still holds, and is told to be outdated',
  async (changes) => {
    const hash = hashOf('pass', { ...changes, secret: pepper })
    expect(await passwords.verify('pass', hash)).toEqual({ matches: true, outdated: true })
  },
)

test('what is no hash of ours is a fault, not a wrong password', async () => {
  for (const hash of ['', 'plain', '$2b$10$abcdefghijklmnopqrstuv', '$argon2i$v=19$m=19456,t=2,p=1$AA$AA']) {
    await expect(passwords.verify('pass', hash)).rejects.toThrow('none of ours')
  }
})

test('nobody is somebody with a decoy: never right, and in the same time', async () => {
  const hash = await passwords.hash('securePass123')
  expect(await passwords.verify('securePass123', undefined)).toEqual(wrong)
  const times = { known: [] as number[], nobody: [] as number[] }
  // In turns, so that other work on the machine slows both alike.
  for (let round = 0; round < 60; round += 1) {
    for (const [who, stored] of [
      ['known', hash],
      ['nobody', undefined],
    ] as const) {
      const begun = performance.now()
      await passwords.verify('wrongPass123', stored)
      times[who].push(performance.now() - begun)
    }
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length / 2] ?? Number.NaN
  const [known, nobody] = [median(times.known), median(times.nobody)]
  expect(Math.abs(known - nobody)).toBeLessThan(Math.max(5, known / 4))
})

/** Processor time of each thread of this process, by its id, in clock ticks of 10 ms. */
function threadTimes(): Map<string, number> {
  const ids = readdirSync('/proc/self/task')
  return new Map(
    ids.map((id) => {
      const stat = readFileSync(`/proc/self/task/${id}/stat`, 'latin1')
      const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14)
      return [id, Number(user) + Number(system)]
    }),
  )
}

/** 16 hashes asked for at once. */
async function burst(limited: Passwords): Promise<void> {
  const hash = await limited.hash('pass')
  await Promise.all([
    ...Array.from({ length: 8 }, () => limited.hash('pass')),
    ...Array.from({ length: 8 }, (_, n) => limited.verify('pass', n % 2 === 0 ? hash : undefined)),
  ])
}

test.for([1, 2, 3])('with %i cores so many threads hash, never more', async (cores) => {
  await using limited = createPasswords(pepper, cores)
  await burst(limited)
  const before = threadTimes()
  await burst(limited)
  const after = [...threadTimes()]
  // 17 hashes among three threads: well over 50 ms each. Compiling and collecting take less of other threads.
  const hashed = after.filter(([id, ticks]) => ticks - (before.get(id) ?? 0) > 5)
  expect(hashed).toHaveLength(cores)
  expect(limited.load()).toEqual({ running: 0, waiting: 0 })
})

test('hashing goes on while the event loop is held up', async () => {
  await using limited = createPasswords(pepper, 1)
  await limited.hash('pass')
  const [first, second] = [limited.hash('pass'), limited.hash('pass')]
  const end = performance.now() + 500
  while (performance.now() < end);
  const afterwards = performance.now()
  await Promise.all([first, second])
  // Both were done already; a hash takes at least 10 ms.
  expect(performance.now() - afterwards).toBeLessThan(10)
})

test('past what is worked off in seconds, whoever comes is told to come back, and costs nothing', async () => {
  await using limited = createPasswords(pepper, 1)
  const taken = Array.from({ length: 65 }, () => limited.hash('pass'))
  expect(limited.load()).toEqual({ running: 1, waiting: 64 })
  await expect(limited.hash('pass')).rejects.toMatchObject({ code: 'passwords-busy', retry: 'later' })
  await expect(limited.verify('pass', undefined)).rejects.toMatchObject({ code: 'passwords-busy' })
  expect(await Promise.all(taken)).toHaveLength(65)
  expect(await limited.hash('pass')).toMatch(/^\$argon2id/)
})

test('a hash that fails makes room for the next one', async () => {
  await using limited = createPasswords(pepper, 1)
  const impossible = hashOf('pass', { secret: pepper }).replace('m=19456', 'm=1')
  await expect(limited.verify('pass', impossible)).rejects.toThrow()
  expect(limited.load()).toEqual({ running: 0, waiting: 0 })
  expect(await limited.hash('pass')).toMatch(/^\$argon2id/)
})

test('what is still to be hashed at the end is told so', async () => {
  const limited = createPasswords(pepper, 1)
  const hashes = Array.from({ length: 4 }, () => limited.hash('pass'))
  const told = Promise.allSettled(hashes)
  await limited[Symbol.asyncDispose]()
  for (const one of await told) expect(one.status).toBe('rejected')
})
