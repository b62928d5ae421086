import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { readSettings } from '../config.ts'
import { runDoctor } from '../doctor/doctor.ts'
import { type Finding, states } from '../doctor/finding.ts'
import type { Surroundings } from '../serve.ts'
import { addServerOptions } from './serve.ts'
import { table } from './table.ts'

/** `vlt-server doctor` */
export function addDoctor(program: Command, { env, print }: Surroundings): void {
  const command = program
    .command('doctor')
    .description(
      'check what a server with these settings stands on: machine, database, keys, certificate, mail, audit trail. ' +
        'Changes nothing, sends no mail, prints no secret; ends with 1 when something failed',
    )
    .option('--json', 'print {state, checks: [{check, state, detail, hint}]}')
  addServerOptions(command).action(async ({ json, ...flags }: Record<string, unknown>) => {
    const checks = await runDoctor(readSettings(flags, env), systemClock)
    if (json === true) print(JSON.stringify({ state: worst(checks), checks }, null, 2))
    else for (const line of lines(checks)) print(line)
    const failed = checks.filter(({ state }) => state === 'fail').length
    if (failed === 0) return
    const count = `${String(failed)} of ${String(checks.length)} checks failed`
    throw new AppError('doctor-found-faults', count)
  })
}

function worst(checks: Finding[]): Finding['state'] {
  return states.findLast((state) => checks.some((found) => found.state === state)) ?? 'ok'
}

/** A hint stands beneath its check, where a narrow terminal does not tear the columns apart. */
function lines(checks: Finding[]): string[] {
  const [titles = '', ...rows] = table(
    ['STATE', 'CHECK', 'FOUND'],
    checks.map(({ state, check, detail }) => [state, check, detail]),
  )
  return [titles, ...rows.flatMap((row, n) => [row, ...hintLines(checks[n])])]
}

function hintLines(found: Finding | undefined): string[] {
  return found === undefined || found.hint === '' ? [] : [`       -> ${found.hint}`]
}
