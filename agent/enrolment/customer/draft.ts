import { createHmac, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError, nativeCode } from '../../../shared/errors.ts'
import { writeWholeFile } from '../../../shared/whole-file.ts'

/** So long what somebody typed is kept for going on, in milliseconds. */
const keepMs = 24 * 60 * 60 * 1000

const schema = z.object({
  /** Begins the idempotency keys of this registration. */
  id: z.uuid(),
  savedAt: z.iso.datetime(),
  /** The data of step 3 without the password, which is asked for again. */
  customer: z.record(z.string(), z.unknown()),
  /** How many codes were asked for; a request whose answer was lost keeps its number. */
  sends: z.int(),
  /** When the last code was sent, ISO 8601. */
  sentAt: z.string().nullable(),
  /** Wrong codes since codes began to live. */
  guesses: z.int(),
  ticket: z.string().nullable(),
  /** When the address was verified, ISO 8601. */
  verifiedAt: z.string().nullable(),
  /** Step 3 was sent and its answer never came. */
  mayExist: z.boolean(),
  /** Keys the names of guesses: a code must not be read off them. */
  secret: z.uuid(),
})

/** A customer account on its way: what is needed to go on after an interruption. */
export type CustomerDraft = z.output<typeof schema>

export function newDraft(customer: Record<string, unknown>, now: string): CustomerDraft {
  return {
    id: randomUUID(),
    savedAt: now,
    customer,
    sends: 0,
    sentAt: null,
    guesses: 0,
    ticket: null,
    verifiedAt: null,
    mayExist: false,
    secret: randomUUID(),
  }
}

/** The key under which a code is tried: the same for the same code, so that a lost answer is heard again. */
export function guessKey({ secret }: CustomerDraft, code: string): string {
  return createHmac('sha256', secret).update(code).digest('hex').slice(0, 32)
}

function draftPath(dataFolder: string): string {
  return join(dataFolder, 'customer-draft.json')
}

/** Keeps the draft, for this user alone, in place of the one before. Throws `disk-full` or `data-folder-unusable`. */
export function saveDraft(dataFolder: string, draft: CustomerDraft): void {
  const path = draftPath(dataFolder)
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
    writeWholeFile(path, JSON.stringify(draft))
  } catch (cause) {
    const code = nativeCode(cause) === 'ENOSPC' ? 'disk-full' : 'data-folder-unusable'
    throw new AppError(code, `cannot write ${path}`, { cause })
  }
}

/** The draft of the last 24 hours; what is older, or no draft, is erased. */
export function readDraft(dataFolder: string, now: string): CustomerDraft | undefined {
  let text: string
  try {
    text = readFileSync(draftPath(dataFolder), 'utf8')
  } catch {
    return undefined
  }
  const draft = schema.safeParse(parseJson(text)).data
  // Seen from a clock that was set back, a draft may come from the future.
  const isFresh = draft !== undefined && Math.abs(Date.parse(now) - Date.parse(draft.savedAt)) < keepMs
  if (!isFresh) eraseDraft(dataFolder)
  return isFresh ? draft : undefined
}

export function eraseDraft(dataFolder: string): void {
  rmSync(draftPath(dataFolder), { force: true })
  rmSync(`${draftPath(dataFolder)}.new`, { force: true })
}

/** Erases the draft that nobody came back for. */
export function forgetStaleDraft(dataFolder: string, now: string): void {
  readDraft(dataFolder, now)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
