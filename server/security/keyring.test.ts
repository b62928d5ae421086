import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath, getuid } from 'node:process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createKeyring, newKey, readKeyring, replaceKeyring } from './keyring.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-keyring-'))
  path = join(folder, 'keys.json')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const unusable = expect.objectContaining({ code: 'keys-unusable' }) as Error

describe('creating', () => {
  test('makes keys of 32 bytes, for their owner alone, and reads them back', () => {
    const created = createKeyring(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readKeyring(path)).toEqual(created)
    const { data, tokens, index, pepper } = created
    const keys = [...data, ...tokens].map(({ key }) => key).concat(index, pepper)
    expect(keys.map(({ length }) => length)).toEqual([32, 32, 32, 32])
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(4)
    expect(readdirSync(folder)).toEqual(['keys.json'])
  })

  test('of 20 processes that start at once, one makes the keys and all have them', async () => {
    const module = new URL('keyring.ts', import.meta.url).href
    const program = `
      import { createKeyring, readKeyring } from '${module}'
      const [path, at] = process.argv.slice(1)
      while (Date.now() < Number(at)) await new Promise((resolve) => setTimeout(resolve, 1))
      console.log((readKeyring(path) ?? createKeyring(path)).index.toString('hex'))`
    const at = String(Date.now() + 4_000)
    const started = Array.from({ length: 20 }, () =>
      promisify(execFile)(execPath, ['--input-type=module', '-e', program, path, at]),
    )
    const told = (await Promise.all(started)).map(({ stdout }) => stdout.trim())
    expect(new Set(told)).toEqual(new Set([readKeyring(path)?.index.toString('hex')]))
    expect(readdirSync(folder)).toEqual(['keys.json'])
  })

  test('never writes over keys that are there', () => {
    const first = createKeyring(path)
    expect(createKeyring(path)).toEqual(first)
  })

  test('says where it cannot write', () => {
    expect(() => createKeyring(join(folder, 'nowhere', 'keys.json'))).toThrow(unusable)
  })
})

describe('reading', () => {
  test('knows no keys where there is no file', () => {
    expect(readKeyring(path)).toBeUndefined()
  })

  test.for([0o640, 0o604, 0o660, 0o610, 0o601])('refuses a file of mode %o', (mode) => {
    createKeyring(path)
    chmodSync(path, mode)
    expect(() => readKeyring(path)).toThrow(unusable)
    chmodSync(path, 0o400)
    expect(readKeyring(path)).toBeDefined()
  })

  test('refuses a file cut short anywhere, and keeps what is left of it', () => {
    createKeyring(path)
    const whole = readFileSync(path, 'utf8').trimEnd()
    for (let length = 0; length < whole.length; length += 1) {
      writeFileSync(path, whole.slice(0, length))
      expect(() => readKeyring(path), `cut to ${String(length)}`).toThrow(unusable)
    }
    expect(() => createKeyring(path)).toThrow(unusable)
    expect(readFileSync(path, 'utf8')).toBe(whole.slice(0, -1))
  })

  test.for<[string, (keyring: Record<string, unknown>) => unknown]>([
    ['the keys of another program', () => ({ keys: [] })],
    ['a list', () => []],
    ['a key too short', (keyring) => ({ ...keyring, pepper: randomBytes(31).toString('base64') })],
    ['no data key', (keyring) => ({ ...keyring, data: [] })],
    ['no token key', (keyring) => ({ ...keyring, tokens: undefined })],
    [
      'a key with a name that could be anything',
      (keyring) => ({ ...keyring, data: [{ id: 'A.b', key: keyring['pepper'] }] }),
    ],
    ['a key that is no base64', (keyring) => ({ ...keyring, index: '*'.repeat(44) })],
  ])('refuses %s, and repeats nothing of it', ([, change]) => {
    createKeyring(path)
    const keyring = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    writeFileSync(path, JSON.stringify(change(keyring)))
    expect(() => readKeyring(path)).toThrow(
      expect.objectContaining({ code: 'keys-unusable', message: `${path} is no keys file` }) as Error,
    )
  })

  test('refuses what is no file', () => {
    expect(() => readKeyring(folder)).toThrow(unusable)
  })
})

describe('replacing', () => {
  test('puts the whole file in place, for its owner alone, and leaves nothing beside it', () => {
    const before = createKeyring(path)
    const after = { ...before, tokens: [newKey('t'), ...before.tokens] }
    replaceKeyring(path, after)
    expect(readKeyring(path)).toEqual(after)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['keys.json'])
  })

  test('keeps the owner', () => {
    const keyring = createKeyring(path)
    const mine = getuid?.() ?? 0
    const owner = mine === 0 ? 12_345 : mine
    chownSync(path, owner, statSync(path).gid)
    replaceKeyring(path, keyring)
    expect(statSync(path).uid).toBe(owner)
  })

  test('goes through a link to where the keys are', () => {
    const keyring = createKeyring(path)
    const link = join(folder, 'link.json')
    symlinkSync(path, link)
    replaceKeyring(link, { ...keyring, data: [newKey('d'), ...keyring.data] })
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readKeyring(path)?.data).toHaveLength(2)
  })

  test('never creates keys', () => {
    const elsewhere = createKeyring(join(folder, 'other.json'))
    expect(() => {
      replaceKeyring(path, elsewhere)
    }).toThrow()
    expect(readKeyring(path)).toBeUndefined()
  })
})
