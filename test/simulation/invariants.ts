import type { StoredRegistration, System } from '../../agent/outbox/registration.ts'
import { registrationAnswer } from '../../shared/contracts/vlt-clients.ts'
import type { Kiosk } from './kiosk.ts'
import { Broken, type Accepted } from './ledger.ts'
import type { Stored } from './stored.ts'

/** What every accepted registration is in its outbox. */
export function checkOutbox(kiosk: Kiosk): void {
  const { outbox, ledger, name } = kiosk
  if (outbox === undefined) return
  const rows = new Map(kiosk.rows().map((row) => [row.id, row]))
  const seen: Record<string, number> = { pending: 0, delivered: 0, dead: 0, discarded: 0, lost: 0 }
  for (const accepted of ledger.all) {
    const row = rows.get(accepted.id)
    const state = row === undefined ? absent(accepted) : present(accepted, row, kiosk)
    seen[state] = (seen[state] ?? 0) + 1
  }
  for (const id of rows.keys()) {
    if (ledger.find(id) === undefined) throw new Broken('stranger', `${name} holds what nobody was told of`)
  }
  const counts: Record<string, unknown> = { ...outbox.counts() }
  const mark: Record<string, unknown> = { ...outbox.watermark() }
  if (mark['accepted'] !== ledger.size) throw new Broken('sum', `${name} has not counted all it accepted`)
  for (const [state, number] of Object.entries(seen)) {
    // Damage may have taken the counts of what was gone already.
    if (kiosk.wasDamaged && !['pending', 'dead'].includes(state)) continue
    if (counts[state] !== number || mark[state] !== number) {
      throw new Broken('sum', `${name} holds ${String(number)} ${state} and counts something else`)
    }
  }
}

/** What a registration counts as whose row is there no more. */
function absent({ label, isLost, forgettableAs }: Accepted): string {
  if (isLost) return 'lost'
  if (forgettableAs !== undefined) return forgettableAs
  throw new Broken('lost', `${label} was told to be saved and is gone`)
}

function present({ label, key, bodies, mayDie }: Accepted, row: StoredRegistration, kiosk: Kiosk): string {
  const { state, lastError } = row
  if (row.idempotencyKey !== key) throw new Broken('lost', `${label} was told to be saved and is gone`)
  if (kiosk.wasDamaged && (state === 'lost' || lastError === 'registration-damaged')) return state
  if (lastError === 'registration-damaged') throw new Broken('lost', `${label} does not open`)
  if (state === 'pending' && !bodies.includes(row.body)) {
    throw new Broken('lost', `${label} is not what was told to be saved`)
  }
  if ((state === 'dead' || state === 'discarded') && !mayDie) {
    throw new Broken('given up', `${label} is good and was given up (${String(lastError)})`)
  }
  return state
}

const systemOf = (scope: string): System =>
  scope === '/api/clientes' ? 'vlt-clients' : scope === '/api/register' ? 'user-accounts' : 'digital-registry'

/** The server holds the effect of every registration it has said yes to, once, and of no other. */
export function checkServer(stored: Stored, kiosks: readonly Kiosk[]): void {
  const done = stored.keys.map(({ scope, key }) => {
    const accepted = kiosks.map(({ ledger }) => ledger.byKey(key)).find((one) => one !== undefined)
    if (accepted === undefined)
      throw new Broken('stranger', 'the server holds a key that no kiosk has accepted')
    return { system: systemOf(scope), accepted }
  })
  const doneOf = (system: System) => done.filter((one) => one.system === system)
  const { cards, counts } = stored
  const same = (what: string, is: number, should: number): void => {
    if (is !== should) throw new Broken('doubled', `${String(is)} ${what}, not ${String(should)}`)
  }
  same('citizens', counts.citizens, doneOf('digital-registry').length)
  same('citizens audited', counts.citizensAudited, counts.citizens)
  same('accounts', counts.accounts, doneOf('user-accounts').length)
  same('consents', counts.consents, 3 * cards.length)
  same('clients', counts.clients, counts.clientsWithCards)
  const mayLack = kiosks.some(({ ledger, outbox }) => ledger.hasLost || (outbox?.watermark().lost ?? 0) > 0)
  if (counts.kiosksOutOfService > 0 || (counts.kioskCases > 0 && !mayLack)) {
    throw new Broken(
      'suspected',
      'the server holds an honest kiosk for a copy, or for one that has lost something',
    )
  }
  checkCards(
    stored,
    doneOf('vlt-clients').map(({ accepted }) => accepted),
  )
  for (const kiosk of kiosks) checkDelivered(kiosk, new Set(stored.keys.map(({ key }) => key)))
}

/** Every card is the client's that brought it first. */
function checkCards({ cards }: Stored, done: readonly Accepted[]): void {
  const owners = new Map<string, string>()
  for (const { registration } of done) {
    const { card, subject } = registration
    if (!owners.has(card)) owners.set(card, subject)
  }
  const expected = [...owners].map(([uid, codigo]) => `${uid} ${codigo}`).sort()
  const found = cards.map(({ uid, codigo }) => `${uid} ${codigo}`)
  if (expected.join() !== found.join()) {
    throw new Broken('doubled', `${String(found.length)} cards, not ${String(expected.length)}, or of others`)
  }
}

function checkDelivered(kiosk: Kiosk, keys: ReadonlySet<string>): void {
  for (const row of kiosk.rows()) {
    if (row.state !== 'delivered' || keys.has(row.idempotencyKey)) continue
    const accepted = kiosk.ledger.find(row.id)
    // Somebody else's account under that name looks like one's own whose answer was lost: it says so in the row.
    if (row.lastError === 'delivered-unconfirmed' && accepted?.mayDie === true) continue
    throw new Broken(
      'told too early',
      `${accepted?.label ?? '?'} is called delivered, and the server has it not`,
    )
  }
}

/** Once everything is delivered: of all receipts for a card that are still there, one says that it was new. */
export function checkReceipts(kiosks: readonly Kiosk[]): void {
  const news = new Map<string, number>()
  for (const kiosk of kiosks) {
    for (const row of kiosk.rows()) {
      if (row.system !== 'vlt-clients' || row.state !== 'delivered') continue
      const card = kiosk.ledger.find(row.id)?.registration.card ?? ''
      news.set(card, (news.get(card) ?? 0) + (isNew(row) ? 1 : 0))
    }
  }
  const areAllThere = kiosks.every((kiosk) => !kiosk.wasDamaged && kiosk.rows().length === kiosk.ledger.size)
  for (const [, times] of news) {
    if (times > 1 || (times === 0 && areAllThere)) {
      throw new Broken('doubled', `a card was new ${String(times)} times`)
    }
  }
}

function isNew({ receipt }: StoredRegistration): boolean {
  return receipt !== null && !registrationAnswer.parse(JSON.parse(receipt)).esDuplicado
}
