import { AppError } from '../../shared/errors.ts'
import { readFileSync } from 'node:fs'
import { text as readAll } from 'node:stream/consumers'
import { parseWireJson } from '../../shared/wire-json.ts'
import type { AgentConfig } from '../config.ts'
import { complaintLine } from '../enrolment/forms/complaint-texts.ts'
import type { Complaint, Form, FormField } from '../enrolment/forms/form.ts'
import { labelOf } from '../enrolment/forms/labels.ts'
import { wordings } from '../enrolment/wording.ts'
import type { Terminal } from './context.ts'
import { Prompt } from './prompt.ts'

export interface FillInOptions {
  /** File of the answers, `-` for standard input. */
  from?: string
  /** false: never ask. */
  input: boolean
}

/**
 * The form's answers: those given, and what is missing from whoever sits at the terminal. A person who gave a file is
 * asked for what it lacks, another one for everything. Throws `input-invalid` with every wrong field.
 */
export async function fillIn<T>(
  form: Form<T>,
  given: Record<string, unknown>,
  options: FillInOptions,
  config: AgentConfig,
  terminal: Terminal,
): Promise<T> {
  const mayAsk = canAsk(options, terminal)
  const checked = form.check(given)
  if ('value' in checked && (options.from !== undefined || !mayAsk)) return checked.value
  const complaints = 'complaints' in checked ? checked.complaints : []
  if (!mayAsk || complaints.some((complaint) => !isMissing(complaint))) {
    throw wrongFields(complaints, config)
  }
  const missing = new Set(complaints.map(({ field }) => field))
  const asked = form.fields.filter(({ name }) => options.from === undefined || missing.has(name))
  return askFor(form, given, asked, config, terminal)
}

/** Is somebody there to be asked? */
export function canAsk({ from, input }: FillInOptions, { stdin }: Terminal): boolean {
  return input && from !== '-' && stdin.isTTY
}

/** Asks field by field; a wrong answer is asked again, at once and alone. */
export async function askFor<T>(
  form: Form<T>,
  given: Record<string, unknown>,
  fields: readonly FormField[],
  config: AgentConfig,
  terminal: Terminal,
): Promise<T> {
  const answers = { ...given }
  using prompt = new Prompt(terminal.stdin, terminal.errorStream)
  for (const field of fields) {
    if (field.kind === 'file-only' || field.onlyIf?.(answers) === false) continue
    for (;;) {
      answers[field.name] = await askOne(field, prompt, config, terminal)
      const checked = form.check(answers)
      const wrong =
        'complaints' in checked
          ? checked.complaints.filter((complaint) => complaint.field === field.name)
          : []
      if (wrong.length === 0) break
      for (const complaint of wrong) terminal.say(complaintLine(complaint, config.language))
    }
  }
  const checked = form.check(answers)
  if ('complaints' in checked) throw wrongFields(checked.complaints, config)
  return checked.value
}

async function askOne(
  { name, kind, required, preset }: FormField,
  prompt: Prompt,
  { language }: AgentConfig,
  terminal: Terminal,
): Promise<unknown> {
  const wording = wordings[language]
  const label = labelOf(name, language)
  if (kind === 'secret') {
    for (;;) {
      const answer = await prompt.askHidden(`${label}: `)
      if (answer === '' || answer === (await prompt.askHidden(`${wording.again}: `))) return answer
      terminal.say(wording.differ)
    }
  }
  const isFlag = kind === 'flag' || kind === 'digit-flag'
  const notes = [
    ...(isFlag ? [` [${wording.yesNo}]`] : []),
    ...(preset === undefined ? [] : [` [${preset}]`]),
    ...(required || preset !== undefined ? [] : [` (${wording.optional})`]),
  ]
  const line = (await prompt.ask(`${label}${notes.join('')}: `)).trim()
  const answer = line === '' ? preset : line
  if (answer === undefined) return undefined
  if (isFlag) return flagOf(answer, kind)
  return kind === 'number' && /^-?\d{1,15}$/.test(answer) ? Number(answer) : answer

  function flagOf(typed: string, as: 'flag' | 'digit-flag'): unknown {
    const value = wording.yes.test(typed) ? true : wording.no.test(typed) ? false : undefined
    if (value === undefined) return typed
    return as === 'flag' ? value : Number(value)
  }
}

function isMissing({ rule }: Complaint): boolean {
  return rule === 'required'
}

export function wrongFields(complaints: Complaint[], { language }: AgentConfig): AppError {
  const { missing, notStored } = wordings[language]
  const lines = complaints.map((complaint) => complaintLine(complaint, language))
  const title = complaints.every(isMissing) ? missing : notStored
  return new AppError('input-invalid', [title, ...lines].join('\n'), { fields: complaints })
}

/** The JSON object in a file, or in standard input for `-`. Throws `input-unreadable`. */
export async function readObject(from: string, terminal: Terminal): Promise<Record<string, unknown>> {
  return parseWireJson(await readObjectText(from, terminal)) as Record<string, unknown>
}

/** The same as it is written. */
export async function readObjectText(from: string, terminal: Terminal): Promise<string> {
  let content: string
  try {
    content = from === '-' ? await readAll(terminal.stdin) : readFileSync(from, 'utf8')
  } catch (cause) {
    throw new AppError('input-unreadable', `cannot read ${from}`, { cause })
  }
  const text = content.replace(/^\uFEFF/, '')
  const value = parseWireJson(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text
  const source = from === '-' ? 'standard input' : from
  throw new AppError('input-unreadable', `${source} does not hold a JSON object`)
}
