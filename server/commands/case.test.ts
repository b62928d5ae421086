import { describe, expect, test } from 'vitest'
import { openPlace } from '../place.testing.ts'
import { engines, register } from '../testbed.testing.ts'

const other = { codigoClienteVLT: 71, dni: '11111111', tarjeta: 'B1D3CCDB' }

describe.each(engines)('on %s', (engine) => {
  test('cases are listed and closed beside a running server', { timeout: 120_000 }, async () => {
    await using place = await openPlace(engine)
    const { port = 0 } = await place.serve('--vlt-destination', 'lobby')
    const run = async (...args: string[]): Promise<[unknown, string]> => {
      const command = await place.run('case', ...args)
      const ended = await command.ended
      return [ended, ended === 0 ? command.stdout() : (command.stderr().split('\n')[0] ?? '')]
    }
    const listed = async (...args: string[]): Promise<unknown> =>
      JSON.parse((await run('list', '--json', ...args))[1])
    expect(await listed()).toEqual([])

    await register(port)
    await register(port, other)
    await register(port, { ...other, tarjeta: 'A0C2BBCA' })
    await register(port, { codigoClienteVLT: 70, dni: '11111111', tarjeta: 'C0FFEE00' })
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string
    const card = {
      ...{ id: 1, kind: 'card-conflict', clientId: 1, otherClientId: 2, claimedCodigo: '71' },
      ...{ cardUid: 'A0C2BBCA', kioskId: null, details: null, openedAt: time, closedAt: null },
    }
    const identity = {
      ...{ id: 2, kind: 'identity-conflict', clientId: 1, otherClientId: 2, claimedCodigo: '70' },
      ...{ cardUid: 'C0FFEE00', kioskId: null, details: null, openedAt: time, closedAt: null },
    }
    expect(await listed()).toEqual([card, identity])
    expect(await run('close', '1')).toEqual([0, 'case 1 is closed\n'])
    expect(await run('close', '1')).toEqual([
      1,
      expect.stringMatching(/^error case-closed: case 1 was closed at 20/),
    ])
    expect(await listed('--open')).toEqual([identity])
    expect(await listed('--all')).toEqual([{ ...card, closedAt: time }, identity])
    const [, text] = await run('list')
    expect(text).toMatch(
      /^ID {2}KIND +CLIENT +OTHER +CLAIMED +CARD +KIOSK +OPENED +CLOSED +DETAILS\n2 +identity-conflict +1 +2 +70 +C0FFEE00 +\S+Z\n$/,
    )

    const events = await place.core.database.db.selectFrom('audit_events').selectAll().execute()
    expect(events.map(({ action, actor, subject, details }) => [action, actor, subject, details])).toEqual([
      ['case-closed', 'operator', 'staff-case 1', '{}'],
    ])
    // The same conflict again is a new case once the first is closed.
    await register(port, { ...other, tarjeta: 'A0C2BBCA' })
    expect(await listed()).toEqual([identity, { ...card, id: 3 }])
  })
})

test.for<[string[], string]>([
  [['close', '7'], 'error case-unknown: there is no case 7'],
  [['close', '0'], 'error usage: "0" is no id: give a number that `vlt-server case list` shows'],
  [
    ['close', '9999999999'],
    'error usage: "9999999999" is no id: give a number that `vlt-server case list` shows',
  ],
  [['list', '--open', '--all'], 'error usage: --open and --all exclude each other'],
])('case %j', async ([args, complaint]) => {
  await using place = await openPlace('sqlite')
  const command = await place.run('case', ...args)
  expect([await command.ended, command.stderr().split('\n')[0], command.stdout()]).toEqual([2, complaint, ''])
})
