import { describe, test } from 'vitest'
import { frameProfileNames, type FrameProfileName } from '../codecs/framed.ts'
import { type ChaosSubject } from '../chaos.testing.ts'
import { readerChaos, type ChaosBench } from '../reader-chaos.testing.ts'
import { serialBench } from '../serial-chaos.testing.ts'
import { framedSpeech, lineSpeech } from './serial-speech.testing.ts'

const line: ChaosSubject<ChaosBench> = {
  name: 'serial-line',
  uids: lineSpeech.uids,
  plug: () => serialBench(lineSpeech, (path) => `serial-line:${path}`),
}

const framed = (profile: FrameProfileName): ChaosSubject<ChaosBench> => {
  const speech = framedSpeech[profile]
  const query = new URLSearchParams({ profile, ...speech.query }).toString()
  return {
    name: `serial-framed, ${profile}`,
    uids: speech.uids,
    plug: () => serialBench(speech, (path) => `serial-framed:${path}?${query}`),
  }
}

describe.each([line, ...frameProfileNames.map(framed)])('$name', (subject) => {
  test.each(readerChaos)('$name', async ({ run }) => {
    await run(subject)
  })
})
