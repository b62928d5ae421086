import { randomUUID } from 'node:crypto'
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import { outboxPath } from './folder.ts'
import { Outbox } from './outbox.ts'
import { fillVersion1 } from './version-1.testing.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outbox-at-rest-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const withCode = (code: string) => expect.objectContaining({ code }) as unknown as Error

/** What a thief must not find. */
const canaries = [
  '04A1B2C3D4E5F6',
  'Ximena',
  'ximena@example.com',
  '76543210',
  'canary-subject',
  'canary-reason',
  'canary-receipt',
]
const body = JSON.stringify({
  tarjeta: canaries[0],
  nombre: canaries[1],
  correo: canaries[2],
  dni: canaries[3],
})
const registration = {
  ...{ system: 'vlt-clients' as const, subject: 'canary-subject', card: '04A1B2C3D4E5F6' },
  ...{ body, readerId: 'simulated:lobby' },
}

/** Every file of the data folder, as it is on the disk now, searched byte by byte in the encodings it could be in. */
function leaks(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const bytes = readFileSync(join(entry.parentPath, entry.name))
      const spellings = (text: string): Buffer[] => [
        Buffer.from(text),
        Buffer.from(text.toLowerCase()),
        Buffer.from(text, 'utf16le'),
        Buffer.from(Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -1)),
        Buffer.from(text, 'hex'),
      ]
      return canaries
        .filter((text) => spellings(text).some((spelling) => spelling.length > 3 && bytes.includes(spelling)))
        .map((text) => `${entry.name}: ${text}`)
    })
}

test('nothing that is known of people can be read in any file, whatever became of the registration', () => {
  using outbox = Outbox.open(folder, systemClock)
  const receipt = JSON.stringify({ mensaje: 'canary-receipt', tarjeta: canaries[0] })
  const ids = Array.from({ length: 6 }, () => outbox.append(registration).id)
  expect(leaks()).toEqual([])
  const [delivered = '', dead = '', discarded = '', fixed = '', failing = ''] = ids
  outbox.markDelivered(delivered, receipt)
  for (const id of [dead, discarded, fixed]) outbox.markDead(id, 'rejected-invalid', receipt)
  outbox.letters.discard(discarded, 'canary-reason')
  outbox.letters.fix(fixed, body.replace('Ximena', 'Ximena Lucia'))
  outbox.blame(failing)
  expect(outbox.get(fixed)).toMatchObject({
    state: 'pending',
    body: expect.stringContaining('Lucia') as string,
  })
  expect(outbox.get(delivered)).toMatchObject({ receipt, body })
  expect(leaks()).toEqual([])
  outbox.upkeep.forgetDelivered(0)
  outbox.keys.rotate()
  while (outbox.keys.reseal());
  expect(leaks()).toEqual([])
  outbox[Symbol.dispose]()
  expect(leaks()).toEqual([])
})

describe('an outbox of version 1', () => {
  test('is sealed in place: rows, ids, keys, states and order stay, and no plain text is left in any byte', async () => {
    const old = fillVersion1(folder, registration, canaries)
    expect(leaks()).not.toEqual([])
    const outbox = Outbox.open(folder, systemClock)
    expect(outbox.recovery).toBeUndefined()
    expect(outbox.epoch).toBe(old.epoch)
    expect(
      outbox.page(0, 100).map(({ seq, id, idempotencyKey, state }) => ({ seq, id, idempotencyKey, state })),
    ).toEqual(
      old.rows.map(({ seq, id, idempotency_key: idempotencyKey, state }) => ({
        seq,
        id,
        idempotencyKey,
        state,
      })),
    )
    expect(outbox.get(old.rows[0]?.id ?? '')).toMatchObject({ body, state: 'pending' })
    expect(outbox.find(old.rows[3]?.id.slice(0, 6) ?? '').id).toBe(old.rows[3]?.id)
    expect(outbox.get(old.rows[2]?.id ?? '').receipt).toContain('canary-receipt')
    // The second of the same client waits for the first, as before.
    expect(outbox.nextBatch(10, [], []).map(({ seq }) => seq)).toEqual([1])
    expect(outbox.watermark()).toMatchObject({ accepted: 6, pending: 3, delivered: 1, dead: 1, discarded: 1 })
    expect((await outbox.upkeep.verify()).problems).toEqual([])
    expect(leaks()).toEqual([])
    outbox[Symbol.dispose]()
    expect(leaks()).toEqual([])
    using again = Outbox.open(folder, systemClock)
    expect(again.recovery).toBeUndefined()
  })

  test('that is damaged is salvaged and sealed in one', () => {
    fillVersion1(folder, registration, canaries)
    const path = outboxPath(folder)
    const bytes = readFileSync(path)
    bytes.fill(0xa5, 2 * 4096, 3 * 4096)
    writeFileSync(path, bytes)
    using outbox = Outbox.open(folder, systemClock)
    const { salvaged = 0, lost = 0 } = outbox.recovery ?? {}
    expect(salvaged + lost).toBe(6)
  })
})

describe('keys', () => {
  test('a rotation seals every row anew while others come in, and takes the old key out of use', async () => {
    const outbox = Outbox.open(folder, systemClock)
    const ids = Array.from(
      { length: 450 },
      (_, index) => outbox.append({ ...registration, subject: String(index) }).id,
    )
    expect(outbox.keys.rotate()).toBe(2)
    expect(outbox.keys.list().map(({ number, use }) => ({ number, use }))).toEqual([
      { number: 2, use: 'seals' },
      { number: 1, use: 'opens' },
    ])
    expect(outbox.keys.reseal()).toBe(true)
    ids.push(outbox.append(registration).id)
    // A stop in the middle is no loss.
    outbox[Symbol.dispose]()
    using again = Outbox.open(folder, systemClock)
    while (again.keys.reseal());
    expect(again.keys.list().map(({ number }) => number)).toEqual([2])
    for (const id of ids) expect(again.get(id).body).toBe(body)
    expect((await again.upkeep.verify()).problems).toEqual([])
    expect(again.letters.audit(10)).toMatchObject([{ action: 'rotate-keys', detail: 'key 2' }])
  })

  test.each([
    [
      'missing',
      'outbox-key-missing',
      (path: string) => {
        rmSync(path)
      },
    ],
    [
      'readable by others',
      'outbox-key-unusable',
      (path: string) => {
        chmodSync(path, 0o644)
      },
    ],
    [
      'garbled',
      'outbox-key-unusable',
      (path: string) => {
        writeFileSync(path, '{}')
      },
    ],
  ])('a keys file that is %s is told as %s, and nothing is changed', (_how, code, spoil) => {
    Outbox.open(folder, systemClock)[Symbol.dispose]()
    const before = readFileSync(outboxPath(folder))
    spoil(join(folder, 'outbox-keys.json'))
    expect(() => Outbox.open(folder, systemClock)).toThrow(withCode(code))
    expect(readFileSync(outboxPath(folder))).toEqual(before)
    expect(readdirSync(folder).filter((name) => name.startsWith('outbox-set-aside'))).toEqual([])
  })

  test('keys of another outbox are told as such', () => {
    const other = join(folder, 'other')
    for (const data of [folder, other]) Outbox.open(data, systemClock)[Symbol.dispose]()
    cpSync(join(other, 'outbox-keys.json'), join(folder, 'outbox-keys.json'))
    expect(() => Outbox.open(folder, systemClock)).toThrow(withCode('outbox-key-mismatch'))
  })

  test('the keys file is wrapped once there is a secret, and then of no use without it', () => {
    const { id } = (() => {
      using outbox = Outbox.open(folder, systemClock)
      return outbox.append(registration)
    })()
    const keySecretFile = join(folder, 'secret')
    writeFileSync(keySecretFile, randomUUID())
    {
      using outbox = Outbox.open(folder, systemClock, { keySecretFile })
      expect(outbox.get(id).body).toBe(body)
      outbox.keys.rotate()
    }
    expect(readFileSync(join(folder, 'outbox-keys.json'), 'utf8')).not.toContain('"index"')
    expect(() => Outbox.open(folder, systemClock)).toThrow(withCode('outbox-key-missing'))
    writeFileSync(keySecretFile, randomUUID())
    expect(() => Outbox.open(folder, systemClock, { keySecretFile })).toThrow(withCode('outbox-key-mismatch'))
  })

  test('a sealed text does not open in the place of another', async () => {
    const [a, b] = (() => {
      using outbox = Outbox.open(folder, systemClock)
      return [
        outbox.append(registration),
        outbox.append({ ...registration, subject: 'other', card: 'other' }),
      ]
    })()
    const database = new Sqlite(outboxPath(folder))
    database.exec(
      'UPDATE registrations SET body = (SELECT body FROM registrations WHERE seq = 2) WHERE seq = 1',
    )
    database.close()
    using outbox = Outbox.open(folder, systemClock)
    expect((await outbox.upkeep.verify()).problems).toEqual(['number 1 does not open'])
    expect(outbox.get(a.id)).toMatchObject({ body: '{}', lastError: 'registration-damaged' })
    expect(outbox.nextBatch(10, [], []).map(({ id }) => id)).toEqual([b.id])
    expect(outbox.watermark()).toMatchObject({ accepted: 2, pending: 1, lost: 1 })
  })
})
