import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Surroundings } from '../serve.ts'
import { createCaseDesk } from '../systems/vlt-clients/cases.ts'
import type { StoredCase } from '../systems/vlt-clients/store.ts'
import { onCore } from './on-core.ts'
import { readRowId } from './row-id.ts'
import { table } from './table.ts'

/** `vlt-server case …` */
export function addCase(program: Command, surroundings: Surroundings): void {
  const { print } = surroundings
  const staffCase = program
    .command('case')
    .description(
      'what staff has to decide: registrations that point at different people, kiosks that do not add up',
    )

  const list = staffCase
    .command('list')
    .description(
      'list cases, oldest first. card-conflict: a card of CLIENT was sent with the codigo CLAIMED, of OTHER where ' +
        'known; identity-conflict: the codigo is that of CLIENT, the document that of OTHER; kiosk-cloned: two ' +
        'machines use one key; kiosk-gap: what a kiosk has delivered is not what is held here',
    )
    .option('--open', 'only those nobody has closed (default)')
    .option('--all', 'closed ones too')
    .option(
      '--json',
      'print [{id, kind, clientId, otherClientId, claimedCodigo, cardUid, kioskId, details, openedAt, closedAt}]',
    )
  onCore(list, surroundings, async (core, { open, all, json }) => {
    if (open === true && all === true) throw new AppError('usage', '--open and --all exclude each other')
    const found = await createCaseDesk(core, systemClock).list(all === true ? 'all' : 'open')
    const cases = found.map(described)
    if (json === true) print(JSON.stringify(cases, null, 2))
    else {
      const rows = cases.map((one) => [
        ...[one.id, one.kind, one.clientId, one.otherClientId, one.claimedCodigo, one.cardUid, one.kioskId],
        ...[one.openedAt, one.closedAt, one.details === null ? '' : JSON.stringify(one.details)],
      ])
      const titles = [
        'ID',
        'KIND',
        'CLIENT',
        'OTHER',
        'CLAIMED',
        'CARD',
        'KIOSK',
        'OPENED',
        'CLOSED',
        'DETAILS',
      ]
      for (const line of table(
        titles,
        rows.map((row) => row.map((cell) => cell ?? '')),
      ))
        print(line)
    }
  })

  const close = staffCase
    .command('close')
    .description('close a case that has been dealt with; goes into the audit trail')
    .argument('<id>', 'id of the case, as `case list` shows it')
  onCore(close, surroundings, async (core, _flags, [operand]) => {
    const id = readRowId(operand, 'vlt-server case list')
    await createCaseDesk(core, systemClock).close(id)
    print(`case ${String(id)} is closed`)
  })
}

function described(found: StoredCase) {
  return {
    id: found.id,
    kind: found.kind,
    clientId: found.client_id,
    otherClientId: found.other_client_id,
    claimedCodigo: found.claimed_codigo,
    cardUid: found.card_uid,
    kioskId: found.kiosk_id,
    details: found.details === null ? null : (JSON.parse(found.details) as unknown),
    openedAt: found.opened_at,
    closedAt: found.closed_at,
  }
}
