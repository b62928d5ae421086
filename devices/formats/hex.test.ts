import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hex, hex10, hex6, hexBcc, hexLast4 } from './hex.ts'

const formats = { hex, 'hex-10': hex10, 'hex-last-4': hexLast4, 'hex-6': hex6, 'hex-bcc': hexBcc }

describe('what is read', () => {
  test.each<[keyof typeof formats, string, string, boolean, string]>([
    ['hex', 'A0C2BBCA', 'A0C2BBCA', false, 'none'],
    ['hex', 'a0-c2:bb ca', 'A0C2BBCA', false, 'none'],
    ['hex-10', '01026F6C3A', '01026F6C3A', false, 'none'],
    ['hex-10', '01 02 6f 6c 3a', '01026F6C3A', false, 'none'],
    ['hex-last-4', '62E3086CED', 'E3086CED', true, 'none'],
    ['hex-last-4', '0F0184F07A', '0184F07A', true, 'none'],
    ['hex-last-4', '2E00B6D7B5', '00B6D7B5', true, 'none'],
    // monkeyboard/Wiegand-Protocol-Library #54: of AA3F9B1A.
    ['hex-6', '9B3FAA', '9B3FAA', true, 'none'],
    // miguelbalboa/rfid #604.
    ['hex-bcc', '8B6566B931', '8B6566B9', false, 'checksum'],
    // dev-zzo/ChameleonMini #10: the two cascade levels of 043B0F1A893180.
    ['hex-bcc', '88043B0FB8', '88043B0F', false, 'checksum'],
    ['hex-bcc', '1A89318022', '1A893180', false, 'checksum'],
  ])('%s: %j is %s', (name, text, digits, isTruncated, proof) => {
    const technology = name === 'hex-bcc' ? { technology: 'iso14443a' } : {}
    expect(formats[name].read(text)).toEqual({ hex: digits, isTruncated, proof, ...technology })
  })

  test('is a number where the reader says how many bits it has, and a part of one below 32', () => {
    expect(hex.read('0A04A4', 24)).toEqual({ hex: '0A04A4', isTruncated: true, proof: 'none' })
    expect(hex.read('02020007', 31)).toMatchObject({ isTruncated: true })
    expect(hex.read('A0C2BBCA', 32)).toMatchObject({ isTruncated: false })
    expect(hex.read('805B9AD2381F04', 56)).toMatchObject({ isTruncated: false })
  })
})

describe('what is not', () => {
  test.each<[keyof typeof formats, string, string]>([
    ['hex', '', 'uid-empty'],
    ['hex', ' -:', 'uid-empty'],
    ['hex', 'A0C2BBC', 'uid-odd-length'],
    ['hex', 'A0C2BBCG', 'uid-not-hex'],
    ['hex', '0xA0C2BBCA', 'uid-not-hex'],
    ['hex-10', '', 'uid-empty'],
    ['hex-10', '01026F6C', 'uid-length'],
    ['hex-10', '01026F6C3A00', 'uid-length'],
    ['hex-10', '01026F6C3', 'uid-odd-length'],
    ['hex-last-4', 'E3086CED', 'uid-length'],
    ['hex-6', '9B3F', 'uid-length'],
    ['hex-6', 'AA3F9B1A', 'uid-length'],
    ['hex-6', '', 'uid-empty'],
    ['hex-bcc', '8B6566B9', 'uid-length'],
    ['hex-bcc', '8B6566B930', 'uid-checksum'],
  ])('%s: %j is %s', (name, text, code) => {
    expect(formats[name].read(text)).toEqual({ code })
  })
})

test('one wrong bit is never another UID with its BCC', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.nat(39), (uid, bit) => {
      const bytes = Uint8Array.of(
        ...uid,
        uid.reduce((sum, byte) => sum ^ byte, 0),
      )
      const whole = Buffer.from(bytes).toString('hex').toUpperCase()
      expect(hexBcc.read(whole)).toMatchObject({ hex: whole.slice(0, 8), proof: 'checksum' })
      const damaged = bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
      expect(hexBcc.read(Buffer.from(damaged).toString('hex'))).toEqual({ code: 'uid-checksum' })
    }),
  )
})
