import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { newKey } from './keyring.ts'
import { createVault } from './vault.ts'

const keyring = { data: [newKey('d')], index: randomBytes(32) }
const vault = createVault(keyring)
const person = '{"correo":"ñandú@example.com"}'

test.for(['', person, '😀'.repeat(10_000)])('what was sealed opens', (text) => {
  expect(vault.open('clients:70', vault.seal('clients:70', text))).toBe(text)
})

test('a sealed text shows its key, and nothing of what is in it', () => {
  const sealed = vault.seal('clients:70', person)
  expect(sealed).toMatch(new RegExp(`^${keyring.data[0]?.id ?? ''}\\.[\\w-]+$`))
  expect(Buffer.from(sealed.split('.')[1] ?? '', 'base64url').includes('correo')).toBe(false)
})

test('equal texts are sealed differently each time', () => {
  const sealed = Array.from({ length: 1_000 }, () => vault.seal('clients:70', person))
  expect(new Set(sealed).size).toBe(1_000)
})

test('a text sealed for one place does not open in another', () => {
  const sealed = vault.seal('clients:70', person)
  for (const purpose of ['clients:71', 'clients:7', 'clients', '', 'user_accounts:70']) {
    expect(() => vault.open(purpose, sealed)).toThrow()
  }
})

test('no byte of a sealed text can be changed, taken away or added', () => {
  const sealed = vault.seal('clients:70', person)
  const [id = '', text = ''] = sealed.split('.')
  const bytes = Buffer.from(text, 'base64url')
  const opens = (changed: Buffer) => () =>
    vault.open('clients:70', `${id}.${Buffer.from(changed).toString('base64url')}`)
  for (let place = 0; place < bytes.length; place += 1) {
    const changed = Buffer.from(bytes)
    changed[place] = (changed[place] ?? 0) ^ (1 << (place % 8))
    expect(opens(changed), `byte ${String(place)}`).toThrow()
    expect(opens(bytes.subarray(0, place)), `cut to ${String(place)}`).toThrow()
  }
  expect(opens(Buffer.concat([bytes, Buffer.from([0])]))).toThrow()
  expect(opens(bytes)()).toBe(person)
})

test('the newest key seals, older ones still open, and without its key a text is closed', () => {
  const sealed = vault.seal('clients:70', person)
  const newer = createVault({ ...keyring, data: [newKey('d'), ...keyring.data] })
  expect(newer.open('clients:70', sealed)).toBe(person)
  const resealed = newer.seal('clients:70', person)
  expect(newer.open('clients:70', resealed)).toBe(person)
  expect(() => vault.open('clients:70', resealed)).toThrow('the keyring has no data key')
})

test('a text under the name of another key does not open', () => {
  const [other = newKey('d')] = keyring.data
  const two = createVault({ ...keyring, data: [newKey('d'), other] })
  const [, text = ''] = two.seal('clients:70', person).split('.')
  expect(() => two.open('clients:70', `${other.id}.${text}`)).toThrow()
})

test('an index is the same for ever, whatever data keys come', () => {
  const newer = createVault({ data: [newKey('d'), ...keyring.data], index: keyring.index })
  expect(newer.index('clients.dni', '74658993')).toBe(vault.index('clients.dni', '74658993'))
})

test('an index tells texts and purposes apart, and needs the key', () => {
  const other = createVault({ ...keyring, index: randomBytes(32) })
  const found = [
    vault.index('clients.dni', '74658993'),
    vault.index('clients.dni', '74658994'),
    vault.index('clients.correo', '74658993'),
    vault.index('clients', '.dni74658993'),
    vault.index('clients.dni7', '4658993'),
    other.index('clients.dni', '74658993'),
  ]
  expect(new Set(found).size).toBe(found.length)
  expect(found.every((value) => /^[\w-]{43}$/.test(value))).toBe(true)
})
