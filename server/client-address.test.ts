import { expect, test } from 'vitest'
import { addressBucket, isWithin, trustFault } from './client-address.ts'

test.for<[string, string | undefined]>([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['192.0.2.1:5678', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', undefined],
  ['unknown', undefined],
  ['1.2.3.4.5', undefined],
])('%s counts as %s', ([address, bucket]) => {
  expect(addressBucket(address)).toBe(bucket)
})

test.for<[string, boolean]>([
  ['127.0.0.1', true],
  ['127.255.0.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['128.0.0.1', false],
  ['::2', false],
  ['::ffff:10.0.0.1', false],
  ['', false],
  ['localhost', false],
])('%s within loopback: %s', ([address, within]) => {
  expect(isWithin(address, ['127.0.0.0/8', '::1/128'])).toBe(within)
})

test.for(['10.0.0.0/8', '10.1.2.3/32', '127.0.0.0/8', 'fc00::/7', '2001:db8::/32', '::1/128'])(
  '%s may be trusted',
  (range) => {
    expect(trustFault(range)).toBeUndefined()
  },
)

test.for([
  '010.0.0.0/8',
  '10.1/16',
  '0x0a.0.0.0/8',
  '167772160/8',
  '2000::/7',
  '0.0.0.0/0',
  '::/0',
  '0.0.0.0/1',
  '128.0.0.0/7',
  '::/1',
  '::ffff:0:0/96',
  '::/64',
  '::ffff:10.0.0.0/104',
  'true',
  'loopback',
  '1',
  '10.0.0.1',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '*',
  '',
])('%j must not be trusted', (range) => {
  expect(trustFault(range)).toMatch(/^must/)
})
