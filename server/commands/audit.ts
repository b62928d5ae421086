import type { Command } from 'commander'
import { AppError } from '../../shared/errors.ts'
import { formatLink, type Link, parseLink } from '../audit/chain.ts'
import { newestEvents } from '../audit/store.ts'
import { verifyTrail } from '../audit/verify.ts'
import type { Surroundings } from '../serve.ts'
import { onCore } from './on-core.ts'
import { table } from './table.ts'

const listedByDefault = 100

/** `vlt-server audit …` */
export function addAudit(program: Command, surroundings: Surroundings): void {
  const { print, errorStream } = surroundings
  const audit = program
    .command('audit')
    .description('the audit trail: what staff did and what happened to the defences, by ids alone')

  const list = audit
    .command('list')
    .description('list the newest events, oldest of them first')
    .option('--since <time>', 'only those since then: 2026-03-01, or with a time 2026-03-01T12:00:00Z')
    .option('--limit <n>', `at most so many, 1 or more (default ${String(listedByDefault)})`)
    .option('--json', 'print [{seq, at, action, actor, subject, details}]')
  onCore(list, surroundings, async ({ database }, { since, limit, json }) => {
    const found = await database.query((db) => newestEvents(db, readTime(since), readLimit(limit)))
    if (json === true) {
      const events = found.map(({ details, ...event }) => ({
        ...event,
        details: JSON.parse(details) as unknown,
      }))
      print(JSON.stringify(events, null, 2))
      return
    }
    const rows = found.map(({ seq, at, action, actor, subject, details }) => [
      ...[seq, at, action, actor, subject, details === '{}' ? '' : details],
    ])
    for (const line of table(['SEQ', 'AT', 'ACTION', 'ACTOR', 'SUBJECT', 'DETAILS'], rows)) print(line)
  })

  const verify = audit
    .command('verify')
    .description(
      'check that no event was changed, taken out, put in or moved by anybody without the keys file. To see also ' +
        'whether the whole database was put back to an earlier state, note the end this prints, or the one in the ' +
        'log of each day, and give it next time as --noted',
    )
    .option('--noted <end>', 'an end that was noted earlier, such as 812:Xy…: that event must still be there')
    .option('--json', 'print {holds, …}: first and end, or seq and fault')
  onCore(verify, surroundings, async ({ database, vault }, { noted, json }) => {
    const verdict = await verifyTrail(database, vault, readLink(noted))
    if (!verdict.holds) {
      if (json === true) print(JSON.stringify(verdict))
      throw new AppError('audit-broken', `row ${String(verdict.seq)} does not hold: ${verdict.fault}`)
    }
    const { first, end } = verdict
    if (json === true) print(JSON.stringify({ holds: true, first, end: formatLink(end) }))
    else if (end.seq === 0) print('the audit trail holds: it has no events')
    else print(`the audit trail holds from row ${String(first)} to its end ${formatLink(end)}`)
    if (verdict.noted === 'pruned')
      errorStream.write('The noted event has been pruned with those of its time: note a newer end.\n')
  })
}

function readTime(text: unknown): string {
  if (text === undefined) return ''
  const time = typeof text === 'string' && /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(time)) throw new AppError('usage', '--since must be a time such as 2026-03-01T12:00:00Z')
  return new Date(time).toISOString()
}

function readLimit(text: unknown): number {
  if (text === undefined) return listedByDefault
  if (typeof text !== 'string' || !/^[1-9]\d{0,8}$/.test(text)) {
    throw new AppError('usage', '--limit must be a whole number from 1')
  }
  return Number(text)
}

function readLink(text: unknown): Link | undefined {
  if (typeof text !== 'string') return undefined
  const link = parseLink(text)
  if (link === undefined) {
    throw new AppError('usage', '--noted must be an end as `vlt-server audit verify` prints it: 812:Xy…')
  }
  return link
}
