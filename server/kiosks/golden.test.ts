import { sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { privateKeyOf } from '../../shared/http-signatures/ed25519.ts'
import { expectGolden, goldenBody } from '../golden.testing.ts'
import { engines, openTestbed, send } from '../testbed.testing.ts'
import { goldenKeys, goldens, goldenUrl, named, prepare } from './golden.testing.ts'

describe.each(engines)('the wire of /v1/kiosk, byte for byte, on %s', (engine) => {
  test.for(goldens)('$name', async (golden) => {
    const { setup = {}, request } = golden
    await using bed = await openTestbed({
      engine,
      flags: { publicUrl: goldenUrl, ...setup.flags },
      vltDestination: setup.destination === false ? null : 'lobby',
    })
    await prepare(bed, setup)
    const received = await send(bed.port, { ...request, body: goldenBody(request) })
    expectGolden(received, golden, named)
  })
})

test.for(goldens.filter(({ vector }) => vector !== undefined))(
  'what is signed, line by line: $name',
  ({ request, vector }) => {
    const { key, newKey, bases = [] } = vector ?? {}
    const labels = [
      ['kiosk', key],
      ['new-key', newKey],
    ] as const
    const signatures = labels.flatMap(([label, by], place) => {
      if (by === undefined) return []
      const base = Buffer.from((bases[place] ?? []).join('\n'))
      return [`${label}=:${sign(null, base, privateKeyOf(goldenKeys[by])).toString('base64')}:`]
    })
    expect(request.headers['signature']).toBe(signatures.join(', '))
  },
)
