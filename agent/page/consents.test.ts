import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { consents, consentTexts } from './consents.ts'

test('a word changes with its version: what was agreed to can be told years later', () => {
  const hash = createHash('sha256').update(JSON.stringify(consents)).digest('hex').slice(0, 16)
  // Changing a word? Give `edition` a new name first, then write the new hash here.
  expect({ versions: consentTexts, hash }).toEqual({
    versions: ['kiosk-2026-11-es', 'kiosk-2026-11-en'],
    hash: 'addaa5ce292edf37',
  })
})
