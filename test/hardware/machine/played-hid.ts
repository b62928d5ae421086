import { toHex } from '../../../devices/codecs/bytes.ts'
import type { UhidModel } from '../guest/uhid-device.ts'
import { startGuestProgram } from './guest-program.ts'
import type { Machine } from './machine.ts'

/** A HID device of the machine's kernel, played by us. Disposing unplugs it. */
export interface PlayedHid extends AsyncDisposable {
  send(reports: Uint8Array[]): void
  /** What it answers to a feature report that asks for `code`. */
  answer(code: number, report: Uint8Array): void
}

export async function playHid(machine: Machine, model: UhidModel): Promise<PlayedHid> {
  const started = Promise.withResolvers<string>()
  const program = await startGuestProgram(machine, 'test/hardware/guest/uhid-device.ts', started.resolve)
  program.write(`create ${JSON.stringify(model)}`)
  await Promise.race([started.promise, program.failed])
  return {
    send(reports) {
      for (const report of reports) program.write(`input ${toHex(report)}`)
    },
    answer(code, report) {
      program.write(`answer ${code.toString(16)} ${toHex(report)}`)
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  }
}
