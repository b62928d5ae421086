import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CardUid } from '../../shared/card-uid.ts'
import { identityOf, type Evidence } from './identity.ts'

const identity = (uid: string, evidence: Partial<Evidence> = {}): string =>
  identityOf({
    uid: uid as CardUid,
    isTruncated: false,
    isAmbiguous: false,
    technology: undefined,
    isAnonymous: false,
    ...evidence,
  })

/** readers.md 1e, 1j. */
describe('an id that is made up', () => {
  test.each(['0824A937', '080D3523', '08E8D0A1', '08DDEA85', '08000000'])('%s is random', (uid) => {
    expect(identity(uid)).toBe('random')
    expect(identity(uid, { technology: 'iso14443a' })).toBe('random')
  })

  test('has four bytes: longer ones are fixed by the standard', () => {
    expect(identity('080D3523AABBCC')).toBe('stable')
    expect(identity('0801161DD6')).toBe('stable')
    expect(identity('041F38D29A5B80', { isAnonymous: true })).toBe('stable')
  })

  test('is made up whatever it looks like, on a card of that kind', () => {
    expect(identity('12345678', { isAnonymous: true })).toBe('random')
  })

  test('is none on 125 kHz or ISO 15693', () => {
    for (const technology of ['lf', 'iso15693', 'felica'] as const) {
      expect(identity('080D3523', { technology })).toBe('stable')
      expect(identity('88043B0F', { technology })).toBe('stable')
    }
  })

  test('is made up before it is ambiguous', () => {
    expect(identity('08123456', { isAmbiguous: true })).toBe('random')
  })
})

describe('an id of which a part is missing', () => {
  test('is truncated when its format says so, whatever else it is', () => {
    expect(identity('08123456', { isTruncated: true })).toBe('truncated')
    expect(identity('006F6C3A', { isTruncated: true, isAmbiguous: true })).toBe('truncated')
  })

  test('starts with the cascade tag 88', () => {
    expect(identity('88043B0F', { technology: 'iso14443a' })).toBe('truncated')
    expect(identity('88043B0F')).toBe('ambiguous')
    expect(identity('88043B0F1A8931', { technology: 'iso14443a' })).toBe('stable')
  })
})

describe('an id that can be two things', () => {
  test('is ambiguous', () => {
    expect(identity('00137489', { isAmbiguous: true })).toBe('ambiguous')
    expect(identity('A0C2BBCA', { technology: 'iso14443b' })).toBe('ambiguous')
  })

  test('of type B is not random for starting with 08', () => {
    expect(identity('080D3523', { technology: 'iso14443b' })).toBe('ambiguous')
  })
})

test('any other id is stable', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 10 }), (bytes) => {
      fc.pre(bytes[0] !== 0x08 && bytes[0] !== 0x88)
      expect(identity(Buffer.from(bytes).toString('hex').toUpperCase())).toBe('stable')
    }),
  )
})
