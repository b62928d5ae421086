import { type CardUid, parseCardUid } from '../../../shared/card-uid.ts'
import { AppError } from '../../../shared/errors.ts'
import type { Language } from '../../config.ts'
import { checkClient, clientFields, clientJson, requiredFields } from '../client-data.ts'
import type { Complaint } from '../forms/form.ts'
import { isMadeUp } from '../typed-card.ts'
import { wordings } from '../wording.ts'
import { objectOf, type ListRecord, type OpenList } from './records.ts'
import { SeenCards } from './seen-cards.ts'

/** A row of a list: what is to be registered, or why it is not. */
export type Row = ListRecord & ({ client: string; card: string } | { complaints: Complaint[] })

/** What a rejects file has more than the list: it may be imported again as it is. */
export const problemColumn = 'problema'

const cardNames = ['tarjeta', 'card']

/** The columns of a header, in the spelling of the document. Throws `list-unreadable` with what is wrong with it. */
export function columnsOf(header: readonly string[], language: Language): string[] {
  const known = new Map([...clientFields, problemColumn].map((name) => [name.toLowerCase(), name]))
  for (const name of cardNames) known.set(name, 'tarjeta')
  const columns = header.map((cell) => known.get(cell.toLowerCase()) ?? '')
  const unknown = header.filter((_cell, place) => columns[place] === '')
  const missing = [...requiredFields, 'tarjeta'].filter((name) => !columns.includes(name))
  const twice = columns.filter((name, place) => name !== '' && columns.indexOf(name) !== place)
  const { faults } = wordings[language].list
  const found = Object.entries({ unknown, missing, twice }).filter(([, names]) => names.length > 0)
  if (found.length > 0) {
    const said = found.map(([fault, names]) => `${faults[fault as 'unknown']}: ${names.join(', ')}`)
    throw new AppError('list-unreadable', `${faults.at(1)} ${said.join('; ')}`)
  }
  return columns
}

/**
 * Checks every record by the rules of `enroll --card`. A card stands once in a list: for a second one there is no
 * saying which client it belongs to. Keeps the cards seen in memory, and nothing else.
 *
 * @param onlyLf 125 kHz cards are the only ones here: none is a phone
 */
export async function* readRows(list: OpenList, onlyLf: boolean, language: Language): AsyncGenerator<Row> {
  const columns = list.header === undefined ? undefined : columnsOf(list.header, language)
  const seen = new SeenCards()
  for await (const { line, raw } of list.records) {
    const fields = typeof raw === 'string' ? objectOf(raw) : fieldsOf(raw, columns ?? [], language)
    if (fields === undefined) {
      const rule = typeof raw === 'string' ? 'no-object' : 'cells'
      yield { line, raw, complaints: [{ field: '', message: rule, rule }] }
      continue
    }
    const { tarjeta, card = tarjeta, [problemColumn]: _problem, ...given } = fields
    const checked = checkClient(given)
    const uid = parseCard(card)
    const complaints = [
      ...('complaints' in checked ? checked.complaints : []),
      ...cardComplaints(card, uid, onlyLf, seen),
    ]
    if (uid !== undefined && seen.lineOf(uid) === undefined) seen.add(uid, line)
    if ('client' in checked && uid !== undefined && complaints.length === 0) {
      yield { line, raw, client: clientJson(checked.client), card: uid }
    } else yield { line, raw, complaints }
  }
}

function parseCard(card: unknown): CardUid | undefined {
  const parsed = parseCardUid(typeof card === 'string' ? card : '')
  return 'uid' in parsed ? parsed.uid : undefined
}

function cardComplaints(
  card: unknown,
  uid: CardUid | undefined,
  onlyLf: boolean,
  seen: SeenCards,
): Complaint[] {
  const complaint = (rule: string, max?: number): Complaint[] => [
    { field: 'tarjeta', message: rule, rule, ...(max === undefined ? {} : { max }) },
  ]
  if (card === undefined || card === null || card === '') return complaint('required')
  if (uid === undefined) return complaint('card')
  const twice = seen.lineOf(uid)
  if (twice !== undefined) return complaint('card-twice', twice)
  return isMadeUp(uid, onlyLf) ? complaint('card-random') : []
}

/** Yes and no as people write them; blank cells are absent. Undefined where cells and columns do not fit. */
function fieldsOf(
  cells: string[],
  columns: string[],
  language: Language,
): Record<string, unknown> | undefined {
  if (cells.length !== columns.length) return undefined
  const { yes, no } = wordings[language]
  const fields: Record<string, unknown> = {}
  for (const [place, name] of columns.entries()) {
    const cell = cells[place] ?? ''
    if (cell === '') continue
    const isFlag = name.startsWith('enviar')
    fields[name] = isFlag && yes.test(cell) ? true : isFlag && no.test(cell) ? false : cell
  }
  return fields
}
