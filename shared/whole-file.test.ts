import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeWholeFile } from './whole-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vlt-whole-file-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('a file takes the place of the one before, for this user alone, and leaves no draft', () => {
  const path = join(folder, 'secret')
  writeFileSync(path, 'before', { mode: 0o644 })
  writeWholeFile(path, 'after')
  expect(readFileSync(path, 'utf8')).toBe('after')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['secret'])
})

test('a draft that somebody left, or put there as a link, is not written through', () => {
  const path = join(folder, 'secret')
  const elsewhere = join(folder, 'elsewhere')
  writeFileSync(elsewhere, 'untouched')
  symlinkSync(elsewhere, `${path}.new`)
  writeWholeFile(path, 'after')
  expect(readFileSync(elsewhere, 'utf8')).toBe('untouched')
  expect(readFileSync(path, 'utf8')).toBe('after')
})

test('what cannot be finished leaves the file before, and no draft', () => {
  const path = join(folder, 'secret')
  writeFileSync(path, 'before')
  const fail = (): never => {
    throw new Error('no')
  }
  expect(() => {
    writeWholeFile(path, 'after', { settle: fail })
  }).toThrow('no')
  expect(readFileSync(path, 'utf8')).toBe('before')
  expect(readdirSync(folder)).toEqual(['secret'])
})
