import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { frameProfileNames, type FrameProfileName } from '../codecs/framed.ts'
import { readerConformance, type ReaderBench } from '../reader-conformance.testing.ts'
import type { Reader } from '../reader.ts'
import { readerContext } from '../session.testing.ts'
import { readReaderSpec } from '../spec.ts'
import { PseudoTerminal } from '../transports/pseudo-terminal.testing.ts'
import { framedWire } from './framed-wire.testing.ts'
import { framedSpeech } from './serial-speech.testing.ts'

async function openReader(path: string, profile: FrameProfileName): Promise<Reader> {
  const query = new URLSearchParams({ profile, ...framedSpeech[profile].query }).toString()
  const { driver, options } = await readReaderSpec(`serial-framed:${path}?${query}`)
  return driver.open(options, readerContext())
}

describe.each(frameProfileNames)('the serial-framed reader of %s', (profile) => {
  const { framesToTap } = framedSpeech[profile]
  /** Five bytes are ten digits; idteck sends eight as they are. */
  const payload = (text: string): string => (profile === 'idteck' ? text : `01${text}`)

  test.each(readerConformance)('keeps the promise: $name', async ({ run }) => {
    await using line = await PseudoTerminal.create()
    const bench: ReaderBench = {
      open: () => openReader(line.path, profile),
      async frame(text) {
        for (let count = 0; count < framesToTap; count += 1) {
          await line.write(framedWire[profile](payload(text)))
        }
      },
      payload,
      half: () => line.write(framedWire[profile](payload('04A224F1')).subarray(0, 6)),
      unplug: () => line.unplug(),
      replug: () => line.replug(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
    await run(bench)
  })

  test('sets the port to its baud rate', async () => {
    await using line = await PseudoTerminal.create()
    await using _reader = await openReader(line.path, profile)
    const { stdout } = await promisify(execFile)('stty', ['-F', line.path, 'speed'])
    expect(stdout.trim()).toBe(profile === 'parallax' ? '2400' : '9600')
  })
})
