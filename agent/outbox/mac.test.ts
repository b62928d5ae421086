import { createHmac, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { Mac } from './mac.ts'

test('it is the HMAC-SHA-256 of Node, over texts of every length about a block', () => {
  const key = randomBytes(32)
  const mac = new Mac(key)
  for (let length = 0; length < 200; length++) {
    const [one, other] = [randomBytes(length), randomBytes(16)]
    const expected = createHmac('sha256', key).update(one).update(other).digest('hex')
    expect(mac.of(one, other).toString('hex')).toBe(expected)
  }
})
