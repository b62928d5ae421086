/** Readers as `reader list`, `reader monitor` and `status` write them for people. */
import type { ReaderFault, ReaderStatus, SupervisorEvent } from '../../devices/reader-status.ts'
import { columns, count, localTime, wrap } from './layout.ts'

/** How a reader is, below its name. */
export function readerLines(status: ReaderStatus, indent: string): string[] {
  const { state, since, taps, lastTapAt, lastTapWorth, identities, rejected, fault } = status
  const last =
    lastTapAt === null
      ? ''
      : `, the last ${localTime(lastTapAt)}${lastTapWorth === null ? '' : ` (${lastTapWorth.identity}, proof: ${lastTapWorth.proof})`}`
  const lines = [wrap(`${state} since ${localTime(since)}, ${count(taps, 'tap')}${last}`, indent)]
  const { random = 0, ambiguous = 0, truncated = 0 } = identities
  if (random > 0) {
    lines.push(wrap(`${count(random, 'tap')} of a phone or a card of changing number, refused`, indent))
  }
  if (ambiguous > 0) {
    const what = `${count(ambiguous, 'tap')} with a number that other formats read too: set uidBytes (docs/readers.md)`
    lines.push(wrap(what, indent))
  }
  if (truncated > 0) {
    lines.push(wrap(`${count(truncated, 'tap')} with a part of the number: two cards can share it`, indent))
  }
  const rejections = Object.entries(rejected)
  if (rejections.length > 0) {
    const all = rejections.reduce((sum, [, times]) => sum + times, 0)
    const kinds = rejections.map(([code, times]) => `${code} ${String(times)}`).join(', ')
    lines.push(wrap(`${count(all, 'read')} that ${all === 1 ? 'was' : 'were'} no card: ${kinds}`, indent))
  }
  if (fault !== null) lines.push(faultLine(fault, indent))
  return lines
}

export function faultLine({ code, hint }: ReaderFault, indent: string): string {
  return wrap(`${code}: ${hint}`, indent)
}

/** Bytes in a line of `bytesLines`; with time, hex and text it then has 80 columns. */
const bytesInLine = 16

/** One event, under the time at which it is shown. */
export function eventLines(event: SupervisorEvent, at: string): string {
  const time = localTime(at).slice(-8)
  const indent = ' '.repeat(time.length + 2)
  switch (event.type) {
    case 'tap':
      return `${time}  tap  ${event.uid}  ${event.identity}, proof: ${event.proof}`
    case 'frame':
      return `${time}  read  ${event.payload}`
    case 'bytes':
      return bytesLines(event.hex, `${time}  ${event.direction.padEnd(3)}  `)
    case 'rejected':
      return `${time}  no card  ${event.code}, ${count(event.bytes, 'byte')}`
    case 'state':
      return [
        `${time}  ${event.state}`,
        ...(event.fault === null ? [] : [faultLine(event.fault, indent)]),
      ].join('\n')
  }
}

function bytesLines(hex: string, head: string): string {
  const bytes = hex.match(/../g) ?? []
  const lines: string[] = []
  for (let start = 0; start < bytes.length; start += bytesInLine) {
    const some = bytes.slice(start, start + bytesInLine)
    const text = some.map((byte) => printable(parseInt(byte, 16))).join('')
    const width = columns - head.length - bytesInLine - 2
    lines.push(`${head}${some.join(' ').padEnd(width)}  ${text}`)
  }
  return lines.join('\n')
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'
}
