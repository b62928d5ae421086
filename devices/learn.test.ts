import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCardUid, type CardUid } from '../shared/card-uid.ts'
import type { CardFrame } from './card-frame.ts'
import { formatNames } from './formats/formats.ts'
import { fittingProfiles, optionText, profilesOfAll } from './learn.ts'
import { normalise } from './normalise.ts'

const text = (payload: string): CardFrame => ({ payload, form: 'text', proof: 'none' })
const bytes = (payload: string): CardFrame => ({ payload, form: 'bytes', proof: 'none' })

function learned(frame: CardFrame, known: string): string[] {
  return fittingProfiles(frame, known as CardUid).map(
    ({ profile, uid, identity }) => `${profile.format} ${profile.byteOrder} ${uid} ${identity}`,
  )
}

describe('one read of a known card', () => {
  test.each([
    ['A0C2BBCA', 'A0C2BBCA', ['hex as-sent A0C2BBCA stable']],
    ['ca:bb:c2:a0', 'A0C2BBCA', ['hex reversed A0C2BBCA stable']],
    ['2697116618', 'A0C2BBCA', ['decimal-10 as-sent A0C2BBCA stable']],
    ['3401302688', 'A0C2BBCA', ['decimal-10 reversed A0C2BBCA stable']],
    ['0013748911', '00D1CAAF', ['decimal-10 as-sent 00D1CAAF stable']],
    [
      '0013748911',
      '0013748911',
      [
        'hex as-sent 0013748911 ambiguous',
        'hex-10 as-sent 0013748911 stable',
        'hex-last-4 as-sent 13748911 truncated',
      ],
    ],
    ['0004335823930', '01026F6C3A', ['decimal-13 as-sent 01026F6C3A stable']],
    ['00623,27706', '026F6C3A', ['decimal-5-5 as-sent 026F6C3A stable']],
    // Readers that leave bytes out fit the whole number, its short form, and the number with the maker's byte.
    ['07302202', '026F6C3A', ['decimal-8 as-sent 006F6C3A truncated']],
    ['111,27706', '026F6C3A', ['decimal-3-5 as-sent 006F6C3A truncated']],
    ['111,27706', '01026F6C3A', ['decimal-3-5 as-sent 006F6C3A truncated']],
    ['111,27706', '006F6C3A', ['decimal-3-5 as-sent 006F6C3A truncated']],
    ['0DED875', '026F6C3A', ['wiegand-26 as-sent 006F6C3A truncated']],
    ['9B3FAA', 'AA3F9B1A', ['hex-6 reversed 00AA3F9B truncated']],
    ['341857795', 'A0C2BBCA', ['wiegand-34 as-sent A0C2BBCA stable']],
    ['8B6566B931', '8B6566B9', ['hex-bcc as-sent 8B6566B9 stable']],
    ['1A808001C0', '00010003', ['twn3-hid as-sent 00010003 truncated']],
    [':112233445501', '1122334455', ['twn3-inditag as-sent 1122334455 stable']],
    ['0605025240', '000A04A4', ['omnikey as-sent 000A04A4 truncated']],
    ['25853841984', '000A04A4', ['omnikey-decimal as-sent 000A04A4 truncated']],
    ['AD3C117E000104E0', 'E00401007E113CAD', ['hex reversed E00401007E113CAD stable']],
    // Cards that are the same in both directions leave both open: another card decides.
    ['A0C2C2A0', 'A0C2C2A0', ['hex as-sent A0C2C2A0 stable', 'hex reversed A0C2C2A0 stable']],
    ['DEADBEEF', 'A0C2BBCA', []],
    ['', 'A0C2BBCA', []],
  ])('%j of %s fits %j', (payload, known, expected) => {
    expect(learned(text(payload), known)).toEqual(expected)
  })

  test('as bytes is never taken for decimal digits', () => {
    expect(learned(bytes('0013748911'), '00D1CAAF')).toEqual([])
    expect(learned(bytes('62E3086CED'), 'E3086CED')).toEqual(['hex-last-4 as-sent E3086CED truncated'])
    expect(learned(bytes('62E3086CED'), '62E3086CED')).toEqual([
      'hex as-sent 62E3086CED stable',
      'hex-10 as-sent 62E3086CED stable',
      'hex-last-4 as-sent E3086CED truncated',
    ])
  })

  test('says what each format is, for the person who chooses', () => {
    expect(fittingProfiles(text('2697116618'), 'A0C2BBCA' as CardUid)).toMatchObject([
      { meaning: '8H10D: 10 decimal digits', proof: 'none' },
    ])
  })

  test('of four bytes with a leading zero is not taken for three', () => {
    expect(learned(text('00D1CAAF'), '11D1CAAF')).toEqual([])
  })
})

test('what was learned reads the card again, and nothing that reads it is left out', () => {
  const known = fc
    .uint8Array({ minLength: 4, maxLength: 10 })
    .map((uid) => Buffer.from(uid).toString('hex').toUpperCase())
  fc.assert(
    fc.property(known, fc.boolean(), (uid, isReversed) => {
      fc.pre(!/^(0+|F+)$/.test(uid))
      const parsed = parseCardUid(uid)
      if ('fault' in parsed) return
      const payload = isReversed ? (uid.match(/../g) ?? []).reverse().join('') : uid
      const fitting = fittingProfiles(text(payload), parsed.uid)
      expect(fitting.map(({ profile }) => profile)).toContainEqual({
        format: 'hex',
        byteOrder: isReversed ? 'reversed' : 'as-sent',
      })
      for (const { profile, uid: read } of fitting) {
        expect(normalise(text(payload), profile)).toMatchObject({ uid: read })
      }
      for (const format of formatNames) {
        for (const byteOrder of ['as-sent', 'reversed'] as const) {
          const read = normalise(text(payload), { format, byteOrder })
          if (!('uid' in read) || read.uid !== uid) continue
          expect(fitting.map(({ profile }) => profile)).toContainEqual({ format, byteOrder })
        }
      }
    }),
  )
})

describe('several cards', () => {
  function options(...cards: [payload: string, uid: string][]): string[] {
    const known = cards.map(([payload, uid]) => ({ frame: text(payload), uid: uid as CardUid }))
    return profilesOfAll(known).map(({ profile }) => optionText(profile))
  }

  test.each([
    ['one that says enough', [['3401302688', 'A0C2BBCA']], ['format=decimal-10&byteOrder=reversed']],
    [
      'one that is the same both ways',
      [['A0C2C2A0', 'A0C2C2A0']],
      ['format=hex', 'format=hex&byteOrder=reversed'],
    ],
    [
      'a second that is not',
      [
        ['A0C2C2A0', 'A0C2C2A0'],
        ['CABBC2A0', 'A0C2BBCA'],
      ],
      ['format=hex&byteOrder=reversed'],
    ],
    // Hex digits, the same of fixed length and fewer of them are one reading: no card could decide between them.
    ['ten digits that are the whole card', [['0013748911', '0013748911']], ['format=hex-10']],
    [
      'ten digits and eight',
      [
        ['62E3086CED', '62E3086CED'],
        ['A0C2BBCA', 'A0C2BBCA'],
      ],
      ['format=hex'],
    ],
    ['ten digits of which eight count', [['62E3086CED', 'E3086CED']], ['format=hex-last-4']],
    // Small numbers look alike in every format of their length.
    [
      'a number of zeros',
      [['00000005', '00000005']],
      ['format=hex', 'format=decimal-8', 'format=decimal-3-5'],
    ],
    [
      'a UID that is another card\u2019s',
      [
        ['3401302688', 'A0C2BBCA'],
        ['3401302688', 'DEADBEEF'],
      ],
      [],
    ],
    ['none', [], []],
  ] satisfies [string, [string, string][], string[]][])('%s', (_name, cards, expected) => {
    expect(options(...cards)).toEqual(expected)
  })

  test('a reader that has one format is asked about its byte order alone', () => {
    const known = [{ frame: text('CABBC2A0'), uid: 'A0C2BBCA' as CardUid }]
    expect(profilesOfAll(known, ['hex']).map(({ profile }) => optionText(profile, false))).toEqual([
      'byteOrder=reversed',
    ])
    expect(profilesOfAll([{ frame: text('2697116618'), uid: 'A0C2BBCA' as CardUid }], ['hex'])).toEqual([])
  })
})
