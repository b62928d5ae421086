import { AppError } from '../../shared/errors.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { readsOnlyLf } from '../reader-specs.ts'
import type { AgentConfig, Language } from '../config.ts'
import { complaintLine } from '../enrolment/forms/complaint-texts.ts'
import type { Complaint } from '../enrolment/forms/form.ts'
import { openList } from '../enrolment/list/records.ts'
import { Rejects } from '../enrolment/list/rejects.ts'
import { readRows, type Row } from '../enrolment/list/rows.ts'
import { wordings } from '../enrolment/wording.ts'
import { reachOutbox, type Operations, type Terminal } from './context.ts'
import { Progress } from './progress.ts'

/** Rows with problems that are told one by one; all of them are in the rejects file. */
const toldRows = 20

/** What one call carries: few enough that a tap never waits for them, and far below the longest call. */
const batchRows = 50
const batchLength = 200_000

interface ListOptions {
  dryRun?: boolean
  json?: boolean
}

interface Found {
  good: number
  bad: number
}

/**
 * Registers every client of a list. First all of it is read and checked; then what is sound is stored, part by part,
 * and what is not is written to a file of its own.
 */
export async function enrolList(
  path: string,
  options: ListOptions,
  config: AgentConfig,
  terminal: Terminal,
): Promise<void> {
  terminal.savesMemory()
  const { list } = wordings[config.language]
  const onlyLf = await readsOnlyLf(config.reader)
  const found = await check(path, onlyLf, config, terminal)
  if (options.dryRun === true) {
    if (options.json === true) terminal.print(JSON.stringify(found))
    else terminal.print(list.sound(found.good, found.bad))
  } else {
    await using outbox = await reachOutbox(config, terminal, { deliver: true })
    const { added, rejects } = await store(path, onlyLf, found, outbox, config, terminal)
    const known = found.good - added
    if (options.json === true) {
      terminal.print(JSON.stringify({ queued: added, known, rejected: found.bad, rejects: rejects ?? null }))
    } else {
      terminal.print(list.queued(added, known))
      if (rejects !== undefined) terminal.print(list.rejects(found.bad, rejects))
    }
    if (added > 0 && !outbox.isAgent) terminal.say(list.noAgent)
  }
  terminal.exit(found.bad === 0 ? exitCodes.ok : exitCodes.usage)
}

async function check(
  path: string,
  onlyLf: boolean,
  { language }: AgentConfig,
  terminal: Terminal,
): Promise<Found> {
  const { list } = wordings[language]
  const found = { good: 0, bad: 0 }
  for await (const row of readRows(await openList(path, language), onlyLf, language)) {
    if (terminal.signal.aborted) throw new AppError('interrupted', 'interrupted; nothing was stored')
    if (!('complaints' in row)) found.good += 1
    else if (++found.bad <= toldRows) terminal.say(list.line(row.line, problemsOf(row.complaints, language)))
  }
  if (found.bad > toldRows) terminal.say(list.more(found.bad - toldRows))
  return found
}

async function store(
  path: string,
  onlyLf: boolean,
  { good }: Found,
  outbox: Operations,
  { language }: AgentConfig,
  terminal: Terminal,
): Promise<{ added: number; rejects: string | undefined }> {
  const opened = await openList(path, language)
  using rejects = new Rejects(path, opened)
  using progress = new Progress(terminal, good)
  let added = 0
  let done = 0
  try {
    for await (const batch of batches(readRows(opened, onlyLf, language), (row) => {
      rejects.add(row, problemsOf(row.complaints, language))
    })) {
      if (terminal.signal.aborted) throw new AppError('interrupted', 'interrupted')
      added += ((await outbox.ask('enroll.list', { clients: batch })) as { added: number }).added
      done += batch.length
      progress.at(done)
    }
  } catch (error) {
    if (!terminal.signal.aborted) throw error
    throw new AppError('interrupted', wordings[language].list.cut(done, good), { cause: error })
  }
  return { added, rejects: rejects.keep() }
}

type Client = Pick<Extract<Row, { client: string }>, 'client' | 'card'>

async function* batches(
  rows: AsyncIterable<Row>,
  onBad: (row: Extract<Row, { complaints: Complaint[] }>) => void,
): AsyncGenerator<Client[]> {
  let batch: Client[] = []
  let length = 0
  for await (const row of rows) {
    if ('complaints' in row) {
      onBad(row)
      continue
    }
    const { client, card } = row
    batch.push({ client, card })
    length += client.length
    if (batch.length < batchRows && length < batchLength) continue
    yield batch
    batch = []
    length = 0
  }
  if (batch.length > 0) yield batch
}

function problemsOf(complaints: Complaint[], language: Language): string {
  return complaints.map((complaint) => complaintLine(complaint, language).trim()).join('; ')
}
