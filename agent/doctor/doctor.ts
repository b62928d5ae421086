import { existsSync } from 'node:fs'
import type { Clock } from '../../shared/clock.ts'
import { errorTable } from '../../shared/errors.ts'
import type { AgentConfig } from '../config.ts'
import type { AgentStatus } from '../status.ts'
import { examine, fail, ok, warn, type Finding } from './finding.ts'
import { checkFolder, checkNode, checkSpace, checkSync } from './machine.ts'
import { outboxFindings, type OutboxCondition } from './outbox.ts'

/** What the agent, or the outbox itself, answered; or why there was no answer. */
export type Told = { status: AgentStatus; condition: OutboxCondition } | { trouble: Finding }

/** Looks at everything an agent with these settings stands on, and changes nothing. */
export function runDoctor(config: AgentConfig, told: Told, clock: Clock): Finding[] {
  const { data } = config
  const findings = [examine('node', () => checkNode())]
  if (existsSync(data)) {
    findings.push(
      examine('data-folder', () => checkFolder(data)),
      examine('disk-space', () => checkSpace(data, config.diskFloorMib)),
      examine('disk-sync', () => checkSync(data)),
    )
  } else {
    findings.push(
      warn(
        'data-folder',
        `${data} is not there yet`,
        'The first start of the agent makes it; or correct --data.',
      ),
    )
  }
  if ('trouble' in told) return [...findings, told.trouble]
  const { status, condition } = told
  return [...findings, ...outboxFindings(status.queue, condition, clock.now()), ...agentFindings(status)]
}

function agentFindings({ running, readers, server }: AgentStatus): Finding[] {
  if (!running)
    return [warn('agent', 'not running', 'Start it: systemctl start vlt-agent, or vlt-agent run.')]
  return [
    ok('agent', 'running'),
    ...(readers.length === 0
      ? [warn('reader', 'none', 'Give one with --reader: vlt-agent reader discover')]
      : []),
    ...readers.map(({ id, state, fault }) =>
      fault === null
        ? ok('reader', `${id} ${state}`)
        : fail('reader', `${id} ${state}, ${fault.code}`, fault.hint),
    ),
    serverFinding(server),
  ]
}

function serverFinding({ url, state, reason, lastSuccessAt }: AgentStatus['server']): Finding {
  const detail = `${url ?? 'none'} ${state}, last confirmation ${lastSuccessAt ?? 'none'}`
  return reason === null
    ? ok('server', detail)
    : warn('server', `${detail}, ${reason}`, errorTable[reason].hint)
}
