import type { Command } from 'commander'
import { errorTable } from '../../shared/errors.ts'
import { exitCodes, type ExitCode } from '../../shared/exit-codes.ts'
import type { AgentStatus } from '../status.ts'
import { reachOutbox, settings, type Terminal } from './context.ts'
import { localTime, wrap } from './layout.ts'
import { readerLines } from './reader-lines.ts'

export function addStatus(program: Command, terminal: Terminal): void {
  program
    .command('status')
    .description('Show readers, queue and server; works while the agent is stopped too')
    .option('--json', 'print JSON')
    .option(
      '--check',
      'exit 4 if the agent does not run, 9 if there are dead letters, 5 if no reader is ready or one types into this machine',
    )
    .action(async (options: { json?: boolean; check?: boolean }, command: Command) => {
      await using outbox = await reachOutbox(settings(command, terminal), terminal)
      const status = (await outbox.ask('status')) as AgentStatus
      terminal.print(options.json === true ? JSON.stringify(status, null, 2) : describe(status))
      if (options.check === true) terminal.exit(check(status))
    })
}

/** What monitoring is told of a status. */
export function check(status: Pick<AgentStatus, 'running' | 'queue' | 'readers'>): ExitCode {
  if (!status.running) return exitCodes.agentNotReachable
  if (status.queue.deadLetters > 0) return exitCodes.deadLetters
  if (!status.readers.some(({ state }) => state === 'ready')) return exitCodes.reader
  if (status.readers.some(({ fault }) => fault?.code === 'reader-leaking')) return exitCodes.reader
  return exitCodes.ok
}

function describe({
  version,
  running,
  readers,
  queue,
  server,
  kiosk,
  enrolment,
  waitingEnrolments,
  pageUrl,
  pageHeartbeatAgeMs,
}: AgentStatus): string {
  const lines = [`vlt-agent ${version}: ${running ? 'running' : 'not running'}`]
  for (const reader of readers) lines.push(`reader  ${reader.id}`, ...readerLines(reader, '        '))
  if (running && readers.length === 0)
    lines.push('reader  none: give one with --reader (see: vlt-agent reader discover)')
  const age = queue.oldestPendingSeconds === null ? '' : `, oldest ${String(queue.oldestPendingSeconds)} s`
  const unconfirmed = queue.unconfirmed === 0 ? '' : ` (${String(queue.unconfirmed)} unconfirmed)`
  const counts =
    `queue   ${String(queue.pending)} pending${age}; ${String(queue.delivered)} delivered${unconfirmed}; ` +
    `${String(queue.deadLetters)} dead letters; ${String(queue.discarded)} discarded`
  lines.push(wrap(counts, '        ', ''))
  for (const line of queueWarnings(queue)) lines.push(wrap(line, '        '))
  lines.push(
    `server  ${server.url ?? 'none'}: ${server.state}, last confirmation ${server.lastSuccessAt ?? 'none'}`,
  )
  if (server.reason !== null)
    lines.push(wrap(`${server.reason}: ${errorTable[server.reason].hint}`, '        '))
  for (const { system, reason } of server.held) {
    lines.push(wrap(`${system} waits, ${reason}: ${errorTable[reason].hint}`, '        '))
  }
  if (kiosk !== null) {
    const way = server.delivery === 'batches' ? 'delivers in batches' : 'delivers one by one'
    lines.push(`kiosk   ${String(kiosk.id)} "${kiosk.name}" ${kiosk.fingerprint}: ${kiosk.state}, ${way}`)
    if (server.deliveryReason !== null && server.deliveryReason !== server.reason)
      lines.push(wrap(`${server.deliveryReason}: ${errorTable[server.deliveryReason].hint}`, '        '))
  }
  if (running)
    lines.push(wrap(`page    ${pageUrl ?? 'not served'}${beat(pageHeartbeatAgeMs)}`, '        ', ''))
  if (enrolment !== null) {
    lines.push(`enrol   ${String(waitingEnrolments)} waiting for a tap, the oldest since ${enrolment.since}`)
  }
  return lines.join('\n')
}

/** What somebody should know of the outbox beyond its counts. */
function* queueWarnings({ fill, lost, lastRecovery }: AgentStatus['queue']): Generator<string> {
  if (fill.level !== 'ok') yield `outbox ${String(fill.percent)} % full: ${errorTable['outbox-full'].hint}`
  if (lost > 0) yield `${String(lost)} lost to damage: ${errorTable['registration-damaged'].hint}`
  if (lastRecovery !== null) {
    const { at, salvaged, lost: lostThen, setAside } = lastRecovery
    yield `salvaged on ${localTime(at)}: ${String(salvaged)} kept, ${String(lostThen)} lost; damaged files in ${setAside}`
  }
}

function beat(ageMs: number | null): string {
  return ageMs === null
    ? ', no browser shows it'
    : `, shown by a browser ${String(Math.round(ageMs / 1_000))} s ago`
}
