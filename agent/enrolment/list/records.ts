import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { pipeline, Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { AppError } from '../../../shared/errors.ts'
import { parseWireJson } from '../../../shared/wire-json.ts'
import type { Language } from '../../config.ts'
import { wordings, type Wording } from '../wording.ts'

type Faults = Wording['list']['faults']

/** One record of a list as it stands in the file. */
export interface ListRecord {
  /** Where it ends in the file, from 1. */
  line: number
  /** The cells of CSV, or the line of JSON. */
  raw: string[] | string
}

/** What a list has been read as; `header` are the cells of the first line of CSV. */
export interface OpenList {
  header: string[] | undefined
  delimiter: ';' | ','
  records: AsyncIterable<ListRecord>
}

/** Longest record, in characters: a quote that is never closed must not take the whole file into memory. */
const maxRecordLength = 64 * 1024

export function isList(path: string): boolean {
  return /\.(csv|jsonl|ndjson)$/i.test(path)
}

/**
 * Opens a list, by the end of its name: CSV with a header, separated by semicolons or commas, or an object of JSON on
 * each line; UTF-8, with or without a byte order mark. Blank lines are left out. Throws `list-unreadable`, here or
 * while it is read.
 */
export async function openList(path: string, language: Language): Promise<OpenList> {
  const { faults } = wordings[language].list
  if (!/\.csv$/i.test(path)) return { header: undefined, delimiter: ',', records: jsonLines(path, faults) }
  const delimiter = await delimiterOf(path, faults)
  const records = csvRecords(path, delimiter, faults)
  const first = await records.next()
  if (first.done === true) throw new AppError('list-unreadable', `${path} ${faults.empty}`)
  return { header: first.value.raw, delimiter, records }
}

async function* csvRecords(
  path: string,
  delimiter: ';' | ',',
  faults: Faults,
): AsyncGenerator<ListRecord & { raw: string[] }, undefined> {
  const parser = parse({
    delimiter,
    info: true,
    trim: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    max_record_size: maxRecordLength,
  })
  pipeline(Readable.from(texts(path, faults)), parser, () => undefined)
  try {
    for await (const one of parser) {
      const { info, record } = one as { info: { lines: number }; record: string[] }
      yield { line: info.lines, raw: record }
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    const at = 'lines' in cause ? `${faults.at(Number(cause.lines))} ` : ''
    const isOpen = cause.code === 'CSV_QUOTE_NOT_CLOSED' || cause.code === 'CSV_MAX_RECORD_SIZE'
    throw new AppError('list-unreadable', `${path}: ${at}${isOpen ? faults.cut : faults.quotes}`, { cause })
  }
}

async function* jsonLines(path: string, faults: Faults): AsyncGenerator<ListRecord> {
  let line = 0
  for await (const raw of createInterface({
    input: Readable.from(texts(path, faults)),
    crlfDelay: Infinity,
  })) {
    line += 1
    if (raw.trim() !== '') yield { line, raw }
  }
}

/** The object that a line of JSON holds, or undefined. */
export function objectOf(raw: string): Record<string, unknown> | undefined {
  const value = parseWireJson(raw)
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Record<string, unknown>) : undefined
}

/** Spreadsheets in Spanish separate by semicolons; the header tells. */
async function delimiterOf(path: string, faults: Faults): Promise<';' | ','> {
  for await (const text of texts(path, faults)) return /^[^\r\n]*;/.test(text) ? ';' : ','
  return ','
}

async function* texts(path: string, faults: Faults): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of createReadStream(path)) yield decoder.decode(chunk as Buffer, { stream: true })
    yield decoder.decode()
  } catch (cause) {
    const isText = (cause as { code?: unknown }).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA'
    throw new AppError('list-unreadable', isText ? `cannot read ${path}` : `${path} ${faults.encoding}`, {
      cause,
    })
  }
}
