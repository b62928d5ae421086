import { join } from 'node:path'
import { z } from 'zod'
import type { SupervisorEvent } from '../../../devices/reader-status.ts'
import type { SupervisedReader } from '../../../devices/supervisor.ts'
import { ReaderTrial, trialTaps, type TrialReport } from '../../../devices/trial.ts'
import type { Clock } from '../../../shared/clock.ts'
import type { OperatorAudit } from './audit.ts'
import { readRecord, writeRecord } from './record.ts'
import type { ReaderLine, ReaderTest, TestResult } from './view.ts'

const shownLines = 12
/** How long each tap is waited for, and how long the last card is watched lying there; milliseconds. */
const patienceMs = 60_000
const lastLookMs = 600

const stored = z.record(
  z.string(),
  z.object({
    at: z.string(),
    verdict: z.enum(['good', 'bad']),
    problems: z.array(z.enum(['random', 'uids-differ', 'worth-differs'])),
    notes: z.array(z.enum(['truncated', 'ambiguous', 'rejected'])),
  }),
)

/** What happens at the readers while an operator looks, and the test of three taps. */
export class ReaderWatch implements Disposable {
  readonly #readers: readonly SupervisedReader[]
  readonly #clock: Clock
  readonly #audit: OperatorAudit
  readonly #path: string
  readonly #onChange: () => void
  #stops: (() => void)[] = []
  #lines: ReaderLine[] = []
  #trial: { reader: string; trial: ReaderTrial; stop: () => void; over: AbortController } | undefined
  #results: Record<string, TestResult>

  constructor(parts: {
    readers: readonly SupervisedReader[]
    clock: Clock
    audit: OperatorAudit
    data: string
    onChange: () => void
  }) {
    this.#readers = parts.readers
    this.#clock = parts.clock
    this.#audit = parts.audit
    this.#onChange = parts.onChange
    this.#path = join(parts.data, 'reader-tests.json')
    this.#results = readRecord(this.#path, stored) ?? {}
  }

  /** Newest first; only while an operator looks. */
  get lines(): readonly ReaderLine[] {
    return this.#lines
  }

  /** The last test of each reader. */
  get results(): Readonly<Record<string, TestResult>> {
    return this.#results
  }

  get test(): ReaderTest | null {
    if (this.#trial === undefined) return null
    return { reader: this.#trial.reader, taps: this.#trial.trial.count, of: trialTaps }
  }

  open(): void {
    if (this.#stops.length > 0) return
    this.#stops = this.#readers.map((reader) =>
      reader.onEvent((event) => {
        this.#lines = [lineOf(event, this.#clock.now()), ...this.#lines].slice(0, shownLines)
        this.#onChange()
      }),
    )
  }

  /** Three taps of one card at one reader; they are nobody else's. A test that runs is given up for it. */
  startTest(readerId: string): void {
    this.stopTest()
    const reader = this.#readers.find(({ status }) => status.id === readerId)
    if (reader === undefined) return
    const trial = new ReaderTrial()
    const stop = reader.onEvent(
      (event) => {
        if (trial.take(event)) this.#wait(trial.count < trialTaps ? patienceMs : lastLookMs)
      },
      { frames: true, takesTaps: true },
    )
    this.#trial = { reader: readerId, trial, stop, over: new AbortController() }
    this.#wait(patienceMs)
  }

  stopTest(): void {
    this.#trial?.over.abort()
    this.#trial?.stop()
    this.#trial = undefined
    this.#onChange()
  }

  [Symbol.dispose](): void {
    this.stopTest()
    for (const stop of this.#stops) stop()
    this.#stops = []
    this.#lines = []
  }

  /** After `ms` without another tap the test is over. */
  #wait(ms: number): void {
    const running = this.#trial
    if (running === undefined) return
    running.over.abort()
    running.over = new AbortController()
    const { signal } = running.over
    void this.#clock.sleep(ms, signal).then(() => {
      if (!signal.aborted) this.#finish(running.reader, running.trial.report())
    })
    this.#onChange()
  }

  #finish(reader: string, { verdict, problems, notes }: TrialReport): void {
    this.#results = { ...this.#results, [reader]: { at: this.#clock.now(), verdict, problems, notes } }
    writeRecord(this.#path, this.#results)
    this.#audit.write({ event: 'reader-tested', reader, verdict })
    this.stopTest()
  }
}

/** A UID is personal data: an operator tells cards apart by its end. */
function lineOf(event: SupervisorEvent, at: string): ReaderLine {
  const reader = event.readerId
  if (event.type === 'tap')
    return { at, reader, what: 'tap', card: `…${event.uid.slice(-4)}`, worth: event.identity }
  if (event.type === 'rejected') return { at, reader, what: 'rejected', code: event.code }
  if (event.type === 'state')
    return { at, reader, what: 'state', state: event.state, code: event.fault?.code ?? null }
  throw new Error('nobody asked for frames or bytes here')
}
