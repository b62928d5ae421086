/** Small files of the page in the data folder: each for this user alone, and replaced whole or not at all. */
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { AppError, nativeCode } from '../../../shared/errors.ts'
import { writeWholeFile } from '../../../shared/whole-file.ts'

/** What the file holds; undefined where there is none, or it is not what we write. Throws `record-unusable`. */
export function readRecord<T>(path: string, schema: z.ZodType<T>): T | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    return parsed.data
  } catch (cause) {
    if (nativeCode(cause) === 'ENOENT' || cause instanceof SyntaxError) return undefined
    throw new AppError('record-unusable', `${path} cannot be read`, { cause })
  }
}

/** On the disk when it returns. Throws `record-unusable`. */
export function writeRecord(path: string, value: unknown): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeWholeFile(path, `${JSON.stringify(value)}\n`)
  } catch (cause) {
    throw new AppError('record-unusable', `${path} cannot be written`, { cause })
  }
}
