import { describe, expect, test } from 'vitest'
import { registrationsPath, signedComponents } from '../../shared/contracts/kiosk-sync.ts'
import { newKey } from '../../shared/http-signatures/ed25519.ts'
import { engines, openTestbed, send, type Testbed } from '../testbed.testing.ts'
import { item, joinedKiosk, sign, testEpoch, type TestKiosk } from './kiosk.testing.ts'

const clients = async ({ database }: Testbed): Promise<number> =>
  (await database.db.selectFrom('clients').select('id').execute()).length
const refused = (code: string) => ({ status: code.startsWith('kiosk-') ? 403 : 401, code })
const told = ({ status, body }: { status: number; body: string }) => ({
  status,
  code: (JSON.parse(body) as { code?: string }).code,
})

describe.each(engines)('on %s', (engine) => {
  const body = JSON.stringify({ epoch: testEpoch, items: [item(1)] })
  const invalid = refused('signature-invalid')

  test.each<[string, (kiosk: TestKiosk, port: number) => Record<string, string>, { status: number }]>([
    ['no signature', () => ({ 'content-type': 'application/json' }), invalid],
    [
      'a signature by another key',
      (_kiosk, port) => sign(port, registrationsPath, body, { sequence: 9, key: newKey() }),
      refused('key-unknown'),
    ],
    [
      'a signature by another key under our name',
      ({ key }, port) => {
        const ours = sign(port, registrationsPath, body, { sequence: 9, key })
        const theirs = sign(port, registrationsPath, body, { sequence: 9, key: newKey() })
        return { ...ours, signature: theirs['signature'] ?? '' }
      },
      invalid,
    ],
    [
      'another body',
      ({ key }, port) => sign(port, registrationsPath, body.replace('74', '75') + ' ', { sequence: 9, key }),
      invalid,
    ],
    [
      'another path',
      ({ key }, port) =>
        sign(port, registrationsPath, body, { sequence: 9, key, signedPath: '/v1/kiosk/report' }),
      invalid,
    ],
    [
      'another host',
      ({ key }, port) =>
        sign(port, registrationsPath, body, { sequence: 9, key, authority: 'other.example' }),
      invalid,
    ],
    [
      'another sequence',
      ({ key }, port) => ({
        ...sign(port, registrationsPath, body, { sequence: 9, key }),
        'kiosk-sequence': '10',
      }),
      invalid,
    ],
    [
      'a challenge that is not covered',
      ({ key }, port) => ({
        ...sign(port, registrationsPath, body, { sequence: 9, key }),
        'kiosk-challenge': 'x',
      }),
      invalid,
    ],
    ...signedComponents.map(
      (left): [string, (kiosk: TestKiosk, port: number) => Record<string, string>, object] => [
        `a signature that leaves out ${left}`,
        ({ key }, port) => {
          const components = signedComponents.filter((name) => name !== left)
          return sign(port, registrationsPath, body, { sequence: 9, key, components })
        },
        invalid,
      ],
    ),
  ] as [string, (kiosk: TestKiosk, port: number) => Record<string, string>, { status: number }][])(
    '%s is refused, and changes nothing',
    async (_name, headersOf, answer) => {
      await using bed = await openTestbed({ engine })
      const kiosk = await joinedKiosk(bed)
      const sent = { path: registrationsPath, body, headers: headersOf(kiosk, bed.port) }
      expect(told(await send(bed.port, sent))).toEqual(answer)
      expect(await clients(bed)).toBe(0)
      const [row] = await bed.database.db.selectFrom('kiosks').selectAll().execute()
      expect(row).toMatchObject({ state: 'active', last_sequence: '0', last_seen_at: null })
      expect(told(await kiosk.batch([item(1)])).status).toBe(200)
    },
  )
})

test('behind a proxy the address is the one that people reach the server by', async () => {
  await using bed = await openTestbed({ flags: { publicUrl: 'https://kiosk.example.com/lobby' } })
  const kiosk = await joinedKiosk(bed)
  const body = JSON.stringify({ epoch: testEpoch, items: [item(1)] })
  const at = { authority: 'kiosk.example.com', signedPath: `/lobby${registrationsPath}` }
  const headers = sign(bed.port, registrationsPath, body, { sequence: 5, key: kiosk.key, ...at })
  expect((await send(bed.port, { path: registrationsPath, body, headers })).status).toBe(200)
  const other = { ...at, signedPath: registrationsPath }
  const wrong = sign(bed.port, registrationsPath, body, { sequence: 6, key: kiosk.key, ...other })
  expect((await send(bed.port, { path: registrationsPath, body, headers: wrong })).status).toBe(401)
})

test('a proxy that is trusted may name the host', async () => {
  await using bed = await openTestbed({ trustedProxy: ['127.0.0.1/32'] })
  const kiosk = await joinedKiosk(bed)
  const body = JSON.stringify({ epoch: testEpoch, items: [item(1)] })
  const authority = 'kiosk.example.com'
  const signed = sign(bed.port, registrationsPath, body, { sequence: 5, key: kiosk.key, authority })
  const headers = { ...signed, 'x-forwarded-host': authority, 'x-forwarded-for': '192.0.2.1' }
  expect((await send(bed.port, { path: registrationsPath, body, headers })).status).toBe(200)
})
