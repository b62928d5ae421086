import { expect, test } from 'vitest'
import { signedHeaders } from '../agent/kiosk/signed.ts'
import { goldenBody } from '../server/golden.testing.ts'
import { goldenKeys, goldens, goldenUrl } from '../server/kiosks/golden.testing.ts'

test.for(goldens.filter(({ vector }) => vector !== undefined))(
  'the agent signs as the golden request is signed: $name',
  ({ request, vector }) => {
    const { sequence = 0, challenge, key = 'kiosk', newKey } = vector ?? {}
    const body = goldenBody(request).toString()
    const url = new URL(request.path, goldenUrl)
    const next = newKey === undefined ? undefined : goldenKeys[newKey]
    expect(signedHeaders({ url, body, sequence, challenge }, goldenKeys[key], next)).toEqual(request.headers)
  },
)
