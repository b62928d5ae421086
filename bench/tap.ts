import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { SerialPort } from 'serialport'
import { SimulatedDevices } from '../devices/drivers/simulated-devices.ts'
import { readReaderSpec } from '../devices/spec.ts'
import { superviseReader } from '../devices/supervisor.ts'
import { PseudoTerminal } from '../devices/transports/pseudo-terminal.testing.ts'
import { systemClock } from '../shared/clock.ts'
import { summarize, type Round, type Side } from './round.ts'

const taps = 300

/** Every card another one, and each sent when the one before has arrived. */
async function time(line: PseudoTerminal, arrival: () => Promise<unknown>): Promise<Round> {
  const latencies: number[] = []
  const start = performance.now()
  for (let tap = 0; tap < taps; tap++) {
    const card = `${(0x10000000 + tap).toString(16).toUpperCase()}\r\n`
    const arrived = arrival()
    const before = performance.now()
    await line.write(card)
    await arrived
    latencies.push(performance.now() - before)
  }
  return summarize(latencies, performance.now() - start)
}

/**
 * From bytes on a serial line to a tap of the supervisor (framed, checked, normalised, one per presence), against a bare
 * serialport listener that sees the same bytes. Both on pseudo-terminals of this machine.
 */
export async function tapBench(): Promise<AsyncDisposable & { ours: Side; baseline: Side }> {
  await using stack = new AsyncDisposableStack()
  const line = stack.use(await PseudoTerminal.create())
  let told = (): void => undefined
  const supervisor = superviseReader({
    spec: await readReaderSpec(`serial-line:${line.path}?presenceGapMs=200&cooldownMs=0`),
    clock: systemClock,
    log: pino({ level: 'silent' }),
    simulatedDevices: new SimulatedDevices(systemClock),
    onTap: () => {
      told()
    },
  })
  const stop = new AbortController()
  const running = supervisor.run(stop.signal)
  stack.defer(async () => {
    stop.abort()
    await running
  })
  while (supervisor.status.state !== 'ready') await delay(10)

  const bareLine = stack.use(await PseudoTerminal.create())
  const bare = new SerialPort({ path: bareLine.path, baudRate: 9_600 })
  stack.defer(
    () =>
      new Promise<void>((resolve) => {
        bare.close(() => {
          resolve()
        })
      }),
  )

  const owned = stack.move()
  return {
    ours: async () => {
      // Until the cards of the round before have left.
      await delay(1_000)
      return time(line, () => new Promise<void>((resolve) => (told = resolve)))
    },
    baseline: () =>
      time(bareLine, () => {
        let seen = ''
        return new Promise<void>((resolve) => {
          const listen = (chunk: Buffer): void => {
            seen += chunk.toString()
            if (!seen.endsWith('\n')) return
            bare.off('data', listen)
            resolve()
          }
          bare.on('data', listen)
        })
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
