import type { Command } from 'commander'
import {
  ReaderTrial,
  trialTaps,
  type TrialNote,
  type TrialProblem,
  type TrialReport,
} from '../../devices/trial.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { settings, type Terminal } from './context.ts'
import { count, wrap } from './layout.ts'
import { endedEarly, Patience, patienceMs, readerEvents, ReadyReaders, untilReady } from './reader-events.ts'

interface TestOptions {
  reader?: string
  timeout: string
  json?: boolean
}

/** How long the last card is watched lying there, in milliseconds. */
const lastLookMs = 600

export function addReaderTest(reader: Command, terminal: Terminal): void {
  reader
    .command('test')
    .description('Test a reader with one card, three times; nothing is registered meanwhile')
    .option('--reader <spec>', 'which reader; opened here where the running agent does not have it')
    .option('--timeout <s>', 'how long to wait for each tap, 1 to 3600 seconds', '60')
    .option('--json', 'print JSON: {reader, verdict, problems, notes, taps, rejected}')
    .addHelpText('after', '\nExit codes: 0 good, 5 bad, or no reader or no card to test.')
    .action(async (options: TestOptions, command: Command) => {
      const config = settings(command, terminal)
      const waitMs = patienceMs(options.timeout)
      terminal.stopsByItself()
      using patience = new Patience()
      const stop = AbortSignal.any([terminal.signal, patience.signal])
      const trial = new ReaderTrial()
      const ready = new ReadyReaders()
      let tested: string | undefined

      patience.restart(waitMs)
      const watching = { frames: true, takesTaps: true }
      await using events = readerEvents(config, options.reader, watching, stop)
      if (await untilReady(events, ready)) terminal.say(prompts[0])
      for await (const event of events) {
        ready.take(event)
        if (event.readerId !== (tested ?? event.readerId) || !trial.take(event)) continue
        tested = event.readerId
        patience.restart(trial.count < trialTaps ? waitMs : lastLookMs)
        terminal.say(prompts[trial.count] ?? '')
      }
      if (tested === undefined || trial.count < trialTaps) throw endedEarly(terminal.signal, patience)

      const report = trial.report()
      if (options.json === true) terminal.print(JSON.stringify({ reader: tested, ...report }, null, 2))
      else terminal.print(describe(tested, report))
      terminal.exit(report.verdict === 'good' ? exitCodes.ok : exitCodes.reader)
    })
}

const prompts: [string, ...string[]] = [
  'Tap 1 of 3: hold a card to the reader for a moment.',
  'Read. Take it away, wait three seconds.\nTap 2 of 3: hold the same card to it.',
  'Read. Take it away, wait three seconds.\nTap 3 of 3: the same card once more.',
  'Read.',
]

const problemTexts: Record<TrialProblem, string> = {
  random:
    'The number is made up at each tap: this is a phone, or a card that hides its own. Test with another card.',
  'uids-differ':
    'The taps were read as different cards. If it was one card, the reader’s settings are wrong: see what it sends with `vlt-agent reader monitor --raw`.',
  'worth-differs':
    'The reads differ in what they are worth: the reader sends more than one kind of frame. See it with `vlt-agent reader monitor --raw`.',
}

const noteTexts: Record<TrialNote, string> = {
  truncated:
    'The reader sends a part of the number: two cards can share it. Use one format for all readers of a lobby.',
  ambiguous:
    'Other formats read these digits too. Set uidBytes, or find the format with `vlt-agent reader learn`.',
  rejected: 'Some of what the reader sent was no card',
}

function describe(reader: string, { taps, verdict, problems, notes, rejected }: TrialReport): string {
  const row = (
    ...[uid, identity, proof, reads, interval]: [string, string, string, string, string]
  ): string =>
    `  ${uid.padEnd(20)}  ${identity.padEnd(9)}  ${proof.padEnd(8)}  ${reads.padStart(5)}  ${interval.padStart(9)}`.trimEnd()
  const kinds = Object.entries(rejected).map(([code, times]) => `${code} ${String(times)}`)
  return [
    reader,
    row('CARD', 'WORTH', 'PROOF', 'READS', 'EVERY'),
    ...taps.map(({ uid, identity, proof, reads, intervalMs }) =>
      row(uid, identity, proof, String(reads), intervalMs === null ? '' : `${String(intervalMs)} ms`),
    ),
    '',
    verdict === 'good' ? `Good: ${count(taps.length, 'tap')}, each time the same card.` : 'Bad:',
    ...problems.map((problem) => wrap(problemTexts[problem], '  ')),
    ...notes.map((note) =>
      wrap(
        `${noteTexts[note]}${note === 'rejected' ? `: ${kinds.join(', ')}.` : ''}`,
        '        ',
        '  Note: ',
      ),
    ),
  ].join('\n')
}
