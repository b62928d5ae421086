import type { FrameProfileName } from '../codecs/framed.ts'
import type { Card } from '../chaos.testing.ts'
import type { Speech } from '../serial-chaos.testing.ts'
import { framedWire } from './framed-wire.testing.ts'

/** How a serial reader says two cards, and what they are when tapped. */
export interface SerialSpeech extends Speech {
  uids: Record<Card, string>
  /** Options of the driver beside the path and the profile. */
  query: Record<string, string>
}

export const lineSpeech: SerialSpeech = {
  uids: { first: 'A0C2BBCA', second: '04A224F1B25C80' },
  wire: { first: Buffer.from('A0C2BBCA\r\n'), second: Buffer.from('04A224F1B25C80\r\n') },
  repeatMs: 250,
  framesToTap: 1,
  query: {},
}

const first = '62E3086CED'
const second = '000414CD7E'

function fiveBytes(profile: FrameProfileName, repeatMs: number | undefined): SerialSpeech {
  const wire = framedWire[profile]
  return {
    uids: { first, second },
    wire: { first: wire(first), second: wire(second) },
    repeatMs,
    framesToTap: 1,
    query: {},
  }
}

export const framedSpeech: Record<FrameProfileName, SerialSpeech> = {
  rdm6300: { ...fiveBytes('rdm6300', 100), framesToTap: 2 },
  id12la: fiveBytes('id12la', undefined),
  parallax: fiveBytes('parallax', 150),
  '7941e': fiveBytes('7941e', 200),
  idteck: {
    uids: { first: 'A0C2BBCA', second: '00D1CAAF' },
    wire: { first: framedWire.idteck('2697116618'), second: framedWire.idteck('0013748911') },
    repeatMs: undefined,
    framesToTap: 1,
    query: { format: 'decimal-10' },
  },
}
