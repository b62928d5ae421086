import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Outbox } from './outbox.ts'
import type { Fill } from './room.ts'

const dayMs = 24 * 60 * 60 * 1000
/** How long this machine keeps a client's data after the server has it. */
const keepBodiesMs = dayMs
/** How long the proof stays that a key was used; longer than any server remembers it. */
const keepTombstonesMs = 400 * dayMs
const everyMs = 60_000
/** Between two pieces of work, so that taps and answers go first. */
const breathMs = 20
/** Every row is looked at so often, whether the disk still gives what it was given. */
const mendEveryMs = dayMs

/**
 * Keeps the outbox in order, for ever: what is no longer needed goes, room is given back, keys that were rotated are
 * taken out of use, damage is looked for. Everything in small pieces.
 */
export async function tendOutbox(outbox: Outbox, clock: Clock, log: Log, stop: AbortSignal): Promise<void> {
  let told: Fill['level'] = 'ok'
  let lost = outbox.counts().lost
  let mendFrom: number | undefined
  let mendDueMonoMs = clock.monoMs()
  const { upkeep } = outbox
  const inPieces = async (piece: () => boolean): Promise<void> => {
    while (!stop.aborted && piece()) await clock.sleep(breathMs, stop)
  }

  while (!stop.aborted) {
    try {
      await inPieces(() => upkeep.fileOldest())
      await inPieces(() => upkeep.forgetDelivered(keepBodiesMs) > 0)
      await inPieces(() => upkeep.forgetTombstones(keepTombstonesMs) > 0)
      await inPieces(() => outbox.keys.reseal())
      if (clock.monoMs() >= mendDueMonoMs) {
        await inPieces(() => (mendFrom = upkeep.mend(mendFrom ?? 0)) !== undefined)
        mendDueMonoMs = clock.monoMs() + mendEveryMs
      }
      await inPieces(() => upkeep.giveBack())
      upkeep.layBallast()
      upkeep.keepTime()
      told = tellFill(outbox.fill(), told, log)
      const { lost: lostNow } = outbox.counts()
      if (lostNow > lost) log.error({ code: 'registration-damaged', lost: lostNow }, 'registrations are lost')
      lost = lostNow
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      log.error({ code: error.code, err: error }, 'the outbox could not be tended')
    }
    await clock.sleep(everyMs, stop)
  }
}

/** Tells a level once, when it is reached. */
function tellFill(fill: Fill, told: Fill['level'], log: Log): Fill['level'] {
  const { level } = fill
  if (level === told) return level
  if (level === 'ok') log.info({ fill }, 'the outbox has room again')
  else if (level === 'warn') log.warn({ code: 'outbox-full', fill }, 'the outbox fills up')
  else log.error({ code: 'outbox-full', fill }, 'the outbox is full, or soon will be')
  return level
}
