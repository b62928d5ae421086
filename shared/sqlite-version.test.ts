import { expect, test } from 'vitest'
import { isSafeSqlite } from './sqlite-version.ts'

test.each([
  ['3.51.3', true],
  ['3.51.10', true],
  ['3.52', true],
  ['4.0.0', true],
  ['3.51.2', false],
  ['3.9.9', false],
  ['2.99.99', false],
  ['', false],
])('SQLite %j is safe: %s', (version, safe) => {
  expect(isSafeSqlite(version)).toBe(safe)
})
