import type { Command } from 'commander'
import { optionText, profilesOfAll, type FittingProfile, type KnownCard } from '../../devices/learn.ts'
import { readReaderSpec } from '../../devices/spec.ts'
import type { SupervisorEvent } from '../../devices/reader-status.ts'
import { parseCardUid, type CardUid } from '../../shared/card-uid.ts'
import { AppError } from '../../shared/errors.ts'
import { settings, type Terminal } from './context.ts'
import { wrap } from './layout.ts'
import { Prompt } from './prompt.ts'
import { endedEarly, Patience, patienceMs, readerEvents, ReadyReaders, untilReady } from './reader-events.ts'

interface LearnOptions {
  card: CardUid[]
  reader?: string
  timeout: string
  json?: boolean
  input: boolean
}

type FrameEvent = Extract<SupervisorEvent, { type: 'frame' }>

export function addReaderLearn(reader: Command, terminal: Terminal): void {
  reader
    .command('learn')
    .description('Find out how a reader writes UIDs, with a card whose UID is known; registers nothing')
    .requiredOption(
      '--card <uid>',
      'UID of the card to tap, hex, as printed on it or read elsewhere; repeat it for further cards',
      (text: string, others: CardUid[] | undefined) => [...(others ?? []), knownUid(text)],
    )
    .option('--reader <spec>', 'which reader; opened here where the running agent does not have it')
    .option('--timeout <s>', 'how long to wait for each card, 1 to 3600 seconds', '60')
    .option('--no-input', 'never ask for another card')
    .option('--json', 'print JSON: {options, fits: [{options, meaning, identity}]}')
    .addHelpText(
      'after',
      '\nPrints the options to put into the reader’s spec, for example' +
        '\nformat=decimal-10&byteOrder=reversed.' +
        '\nExit codes: 0 found, 5 nothing fits, several fit, or no reader or no card.',
    )
    .action(async (options: LearnOptions, command: Command) => {
      const config = settings(command, terminal)
      const waitMs = patienceMs(options.timeout)
      terminal.stopsByItself()
      using patience = new Patience()
      const stop = AbortSignal.any([terminal.signal, patience.signal])
      const watching = { frames: true, takesTaps: true }
      const wanted = [...options.card]
      const known: KnownCard[] = []
      const ready = new ReadyReaders()
      let fits: FittingProfile[] = []
      let learned: string | undefined
      let hasFormats = true

      patience.restart(waitMs)
      await using events = readerEvents(config, options.reader, watching, stop)
      if (!(await untilReady(events, ready))) throw endedEarly(terminal.signal, patience)
      for (let uid = wanted.shift(); uid !== undefined; uid = wanted.shift()) {
        patience.restart(waitMs)
        terminal.say(known.length === 0 ? firstPrompt(options.card.length) : 'Tap the next card.')
        const frame = await nextFrame(events, ready, known, learned, terminal)
        if (frame === undefined) throw endedEarly(terminal.signal, patience)
        learned = frame.readerId
        known.push({ frame, uid })
        hasFormats = await canBeSetTo('format', learned)
        fits = profilesOfAll(known, hasFormats ? undefined : ['hex'])
        if (fits.length > 1 && wanted.length === 0 && options.input && terminal.stdin.isTTY) {
          wanted.push(await askForAnother(describe(fits, hasFormats), terminal))
        }
      }
      report(fits, hasFormats, options, terminal)
    })
}

function firstPrompt(cards: number): string {
  return cards === 1
    ? 'Tap the card.'
    : `Tap the first of the ${String(cards)} cards, in the order you gave them.`
}

/** Some readers send UIDs in one way only. */
async function canBeSetTo(option: string, readerId: string): Promise<boolean> {
  const { driver } = await readReaderSpec(readerId)
  return driver.optionHelp.some(({ name }) => name === option)
}

/** The next read of a card that has not been read yet: the one before may lie there still. */
async function nextFrame(
  events: AsyncGenerator<SupervisorEvent, void, undefined>,
  ready: ReadyReaders,
  known: KnownCard[],
  readerId: string | undefined,
  terminal: Terminal,
): Promise<FrameEvent | undefined> {
  const isNew = ({ payload }: FrameEvent): boolean => known.every(({ frame }) => frame.payload !== payload)
  for (let next = await events.next(); next.done !== true; next = await events.next()) {
    const event = next.value
    ready.take(event)
    if (event.readerId !== (readerId ?? event.readerId)) continue
    if (event.type === 'frame' && isNew(event)) return event
    if (event.type === 'rejected' && /^(frame|prefix)-/.test(event.code))
      terminal.say(`What came was no whole frame (${event.code}).`)
  }
  return undefined
}

async function askForAnother(description: string, terminal: Terminal): Promise<CardUid> {
  terminal.say(description)
  using prompt = new Prompt(terminal.stdin, terminal.errorStream)
  for (;;) {
    const parsed = parseCardUid(await prompt.ask('Only another card can tell. Its UID (Ctrl-C ends): '))
    if ('uid' in parsed) return parsed.uid
    terminal.say('A UID is 4 to 10 bytes of hex, for example A0C2BBCA.')
  }
}

function report(
  fits: FittingProfile[],
  hasFormats: boolean,
  { json }: LearnOptions,
  terminal: Terminal,
): void {
  const [fit, ...others] = fits
  const options = fit !== undefined && others.length === 0 ? optionText(fit.profile, hasFormats) : null
  if (json === true) {
    const all = fits.map(({ profile, meaning, identity }) => ({
      options: optionText(profile, hasFormats),
      meaning,
      identity,
    }))
    terminal.print(JSON.stringify({ options, fits: all }, null, 2))
  }
  if (fit === undefined)
    throw new AppError('reader-format-unknown', 'no format makes that UID of what was read')
  if (options === null) {
    if (json !== true) terminal.say(describe(fits, hasFormats))
    throw new AppError('reader-format-open', 'several formats fit, and are told apart by no card so far')
  }
  if (json === true) return
  terminal.say(
    wrap(`${meaningOf(fit.profile, fit.meaning)}. Write this behind the path in the reader’s spec:`, ''),
  )
  terminal.print(options)
  if (fit.identity === 'truncated') {
    terminal.say(
      wrap('It is a part of the number: two cards can share it. Use one format for all readers.', ''),
    )
  }
  if (fit.identity === 'ambiguous') {
    const bytes = String(fit.uid.length / 2)
    terminal.say(
      wrap(`If all cards have ${bytes} bytes, add uidBytes=${bytes}: the digits fit other formats too.`, ''),
    )
  }
}

function describe(fits: FittingProfile[], hasFormats: boolean): string {
  return [
    'Several formats fit:',
    ...fits.map(
      ({ profile, meaning }) =>
        `  ${optionText(profile, hasFormats)}\n${wrap(meaningOf(profile, meaning), '    ')}`,
    ),
  ].join('\n')
}

function meaningOf({ byteOrder }: FittingProfile['profile'], meaning: string): string {
  return byteOrder === 'reversed' ? `${meaning}, the last byte first` : meaning
}

function knownUid(text: string): CardUid {
  const parsed = parseCardUid(text)
  if ('uid' in parsed) return parsed.uid
  throw new AppError('usage', '--card must be 4 to 10 bytes of hex, for example A0C2BBCA')
}
