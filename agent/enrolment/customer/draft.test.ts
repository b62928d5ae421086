import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { forgetStaleDraft, guessKey, newDraft, readDraft, saveDraft } from './draft.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'draft-'))
  file = join(folder, 'customer-draft.json')
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})
const now = '2026-01-31T12:00:00.000Z'

test('a draft comes back as it was saved', () => {
  const draft = newDraft({ email: 'eva@example.com', direcciones: [{ a: 1 }] }, now)
  saveDraft(folder, draft)
  expect(readDraft(folder, '2026-02-01T11:59:59.000Z')).toEqual(draft)
})

test.each([
  ['after 24 hours', '2026-02-01T12:00:00.000Z'],
  ['on a clock set back by a day', '2026-01-30T11:59:00.000Z'],
])('%s it is erased', (_when, at) => {
  saveDraft(folder, newDraft({}, now))
  forgetStaleDraft(folder, at)
  expect(existsSync(file)).toBe(false)
})

test('what cannot be read as a draft is erased', () => {
  writeFileSync(file, '{"email":"eva@exam')
  expect(readDraft(folder, now)).toBeUndefined()
  expect(existsSync(file)).toBe(false)
})

test('the key of a guess is the same for the same code, and does not tell it', () => {
  const draft = newDraft({}, now)
  expect(guessKey(draft, '123456')).toBe(guessKey(draft, '123456'))
  expect(guessKey(draft, '123456')).not.toBe(guessKey(draft, '123457'))
  expect(guessKey(newDraft({}, now), '123456')).not.toBe(guessKey(draft, '123456'))
})
