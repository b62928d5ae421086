/**
 * What the ACR122U takes beside PC/SC's own commands (ACS ACR122U application programming interface; reference:
 * readers.md 1e): its PN532, and its light and buzzer.
 */
import { readResponse } from './pcsc-card.ts'

export const getFirmware = Uint8Array.of(0xff, 0x00, 0x48, 0x00, 0x00)

/** A command to the PN532, without its frame: D4 and then `data`. */
export function toPn532(data: Uint8Array): Uint8Array {
  return Uint8Array.of(0xff, 0x00, 0x00, 0x00, data.length + 1, 0xd4, ...data)
}

/** What the PN532 answered, as its frame would hold it; undefined when it did not. */
export function fromPn532(response: Uint8Array): Uint8Array | undefined {
  const { data, status } = readResponse(response)
  return status === 'ok' && data[0] === 0xd5 ? data.slice(1) : undefined
}

export interface Signal {
  /** Bits: 0 red and 1 green at the end; 2 and 3 change them; 4 and 5 red and green first; 6 and 7 let them blink. */
  leds: number
  /** In units of 100 ms. */
  on: number
  off: number
  times: number
  /** Sounds in neither, the first, the second or both of the two. */
  buzzer: 'never' | 'on' | 'off' | 'always'
}

export function signal({ leds, on, off, times, buzzer }: Signal): Uint8Array {
  const link = { never: 0, on: 1, off: 2, always: 3 }[buzzer]
  return Uint8Array.of(0xff, 0x00, 0x40, leds, 0x04, on, off, times, link)
}

/** Which LEDs are lit after a signal: bit 0 red, bit 1 green; undefined when the reader refused it. */
export function readSignal(response: Uint8Array): number | undefined {
  const [first, leds] = response
  return response.length === 2 && first === 0x90 ? leds : undefined
}

/** Whether it beeps by itself at every card. */
export function beepAtCards(isOn: boolean): Uint8Array {
  return Uint8Array.of(0xff, 0x00, 0x52, isOn ? 0xff : 0x00, 0x00)
}
