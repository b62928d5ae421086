import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { keyPlace } from '../outbox/keyring.ts'
import { recoverOutbox } from '../outbox/recover.ts'
import type { Verification } from '../outbox/verify.ts'
import { reachOutbox, settings, type Terminal } from './context.ts'
import { addQueueLetters } from './queue-letters.ts'
import { addQueueReading } from './queue-list.ts'

/** A million rows on a slow machine, with taps in between. */
const verifyWithinMs = 10 * 60_000

export function addQueue(program: Command, terminal: Terminal): void {
  const queue = program.command('queue').description('Look after the registrations kept on this machine')
  addQueueReading(queue, terminal)
  addQueueLetters(queue, terminal)

  queue
    .command('verify')
    .description('Prove from every row that nothing accepted is missing, changed or counted twice')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      await using outbox = await reachOutbox(settings(command, terminal), terminal)
      const found = (await outbox.ask('queue.verify', {}, undefined, verifyWithinMs)) as Verification
      if (json === true) terminal.print(JSON.stringify(found, null, 2))
      else terminal.print(describe(found))
      if (found.problems.length === 0) return
      terminal.say(
        'Keep a copy of the data folder as it is, then stop the agent and run: vlt-agent queue recover',
      )
      terminal.exit(exitCodes.failure)
    })

  queue
    .command('recover')
    .description(
      'Do by hand what the agent does when it finds damage: set the files aside, keep what can be read',
    )
    .option('--json', 'print JSON')
    .action(({ json }: { json?: boolean }, command: Command) => {
      const { data, outboxKeyFile } = settings(command, terminal)
      const recovery = recoverOutbox(data, systemClock, keyPlace(data, outboxKeyFile))
      if (json === true) {
        terminal.print(JSON.stringify(recovery, null, 2))
        return
      }
      const { salvaged, lost, setAside } = recovery
      terminal.say(`${String(salvaged)} registrations salvaged, ${String(lost)} could not be read.`)
      terminal.say(`The damaged files are kept, unchanged, in ${setAside}`)
    })
}

function describe({
  problems,
  accepted,
  pending,
  delivered,
  dead,
  discarded,
  lost,
  chainHead,
}: Verification): string {
  const sum = [
    `${String(delivered)} delivered`,
    `${String(pending)} pending`,
    `${String(dead)} dead letters`,
    `${String(discarded)} discarded`,
    `${String(lost)} lost`,
  ].join(' + ')
  const verdict = problems.length === 0 ? 'The outbox is sound.' : 'The outbox is NOT what it should be:'
  return [
    verdict,
    ...problems.map((line) => `  ${line}`),
    `${String(accepted)} accepted = ${sum}`,
    `chain ${chainHead}`,
  ].join('\n')
}
