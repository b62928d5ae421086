import { describe, expect, test } from 'vitest'
import type { FrameProfileName } from '../codecs/framed.ts'
import { LineCodec } from '../codecs/line.ts'
import { type ChaosSubject } from '../chaos.testing.ts'
import { virtualChaos, type VirtualBench } from '../virtual-chaos.testing.ts'
import { misread, virtualSerialBench } from '../serial-chaos.testing.ts'
import { framedSpeech, lineSpeech } from './serial-speech.testing.ts'
import { serialFramed, serialFramedCodec } from './serial-framed.ts'
import { serialLine } from './serial-line.ts'

type Subject = ChaosSubject<VirtualBench>

const line: Subject = {
  name: 'serial-line',
  uids: lineSpeech.uids,
  plug: () =>
    Promise.resolve(
      virtualSerialBench(
        lineSpeech,
        serialLine,
        serialLine.options.parse({ path: '/dev/none' }),
        (options) => new LineCodec(options.line),
      ),
    ),
}

const framed = (profile: FrameProfileName): Subject => {
  const speech = framedSpeech[profile]
  return {
    name: `serial-framed, ${profile}`,
    uids: speech.uids,
    plug: () => {
      const options = serialFramed.options.parse({ path: '/dev/none', profile, ...speech.query })
      return Promise.resolve(virtualSerialBench(speech, serialFramed, options, serialFramedCodec))
    },
  }
}

const subjects = [line, ...(Object.keys(framedSpeech) as FrameProfileName[]).map(framed)]

describe.each(subjects)('$name', (subject) => {
  test.each(virtualChaos)('$name', async ({ run }) => {
    await run(subject)
  })
})

test('the right baud rate is read as it was sent, and another one as something else', () => {
  const { first } = framedSpeech.rdm6300.wire
  expect(misread(first, 1)).toEqual(Uint8Array.from(first))
  expect(misread(first, 1.02)).toEqual(Uint8Array.from(first))
  expect(misread(first, 2)).not.toEqual(Uint8Array.from(first))
  expect(misread(first, 2).length).toBeGreaterThan(first.length)
})
