import type { FrameProfileName } from '../codecs/framed.ts'

/** Frames as the readers build them, from their documents and not from the codec: what `digits` look like on the wire. */
export const framedWire: Record<FrameProfileName, (digits: string) => Buffer> = {
  rdm6300: (digits) => Buffer.from(`\x02${digits}${xorOfBytes(digits)}\x03`),
  id12la: (digits) => Buffer.from(`\x02${digits}${xorOfBytes(digits)}\r\n\x03`),
  parallax: (digits) => Buffer.from(`\n${digits}\r`),
  '7941e': (digits) => Buffer.from(`020A02${digits}${xorOfBytes(`0A02${digits}`)}03`, 'hex'),
  idteck: (digits) => {
    const frame = Buffer.from(`\x02${digits}\x03`)
    return Buffer.concat([frame, Buffer.of(frame.reduce((sum, byte) => sum ^ byte, 0))])
  },
}

function xorOfBytes(hex: string): string {
  const sum = Buffer.from(hex, 'hex').reduce((total, byte) => total ^ byte, 0)
  return sum.toString(16).padStart(2, '0').toUpperCase()
}
