import { KeyboardCodec, type KeyboardCodecOptions } from '../codecs/keyboard.ts'
import type { DiscoveredDevice, ReaderDriver, ReaderOptions } from '../reader.ts'
import { machineBus } from '../transports/hid.ts'
import { formatHidAddress, has, stableAddress, type HidAddress } from '../transports/hid-address.ts'
import { openHid, type HidBus } from '../transports/hid-line.ts'
import { listHid, type HidInterface, type HidPlaces } from '../transports/hid-sysfs.ts'
import { CodecSession } from './codec-session.ts'
import { hidShape, withAddress } from './hid-options.ts'
import { watchLeaks } from './leak-watch.ts'
import { lineReaderOptions, lineShape, presenceShape, profileComplaint, profileFits } from './line-options.ts'
import { choice, driverOptions, optionHelp } from './option-text.ts'

export interface HidKeyboardOptions extends ReaderOptions {
  address: HidAddress
  keyboard: KeyboardCodecOptions
}

const { format, byteOrder, uidBytes, cards, prefix, suffix, maxBytes, idleResetMs } = lineShape
const shape = {
  ...hidShape,
  end: choice('key', 'silence')
    .default('key')
    .describe('key | silence; default key: does the reader end a card with Enter or Tab, or just stop?'),
  ...{ format, byteOrder, uidBytes, cards, prefix, suffix, maxBytes },
  idleResetMs: idleResetMs.describe(
    '50..60000 ms; default 200: a card that stops for this long is given up, or ended where silence ends it',
  ),
  ...presenceShape({ gapMs: 600, cooldownMs: 1_500 }),
}

const options = driverOptions(shape)
  .refine(profileFits, profileComplaint)
  .transform(
    withAddress((flat, address): HidKeyboardOptions => {
      const { line, ...common } = lineReaderOptions({ ...flat, terminator: 'cr' })
      return { ...common, address, keyboard: { ...line, end: flat.end } }
    }),
  )

/** After the open, keys count as the rest of an old card until none has come for this long, in milliseconds. */
const settleMs = 100

/**
 * Readers that type each card as a keyboard would (reference: readers.md 1f), read below the keyboard layer: what
 * layout, desktop or browser do with keys does not matter. Removal is inferred: most type a card once.
 */
export function hidKeyboardOn(bus: HidBus): ReaderDriver<HidKeyboardOptions> {
  return {
    name: 'hid-keyboard',
    summary:
      'a reader that types; the path is <vendor>:<product>, with :<serial number> or @<USB port> to tell like ones apart',
    options,
    optionHelp: optionHelp(shape),

    discover: () => discoverKeyboards(bus.places),

    async open({ address, keyboard }, { clock, signal, trace }) {
      let device: HidInterface | undefined
      const session = await CodecSession.open(
        { clock, trace },
        new KeyboardCodec(keyboard),
        { removal: 'inferred' },
        async (receiver) => {
          const line = await openHid(bus, { address, need: 'keyboard', settleMs }, receiver, clock, signal)
          device = line.device
          return line
        },
      )
      if (device !== undefined) {
        void watchLeaks(device, clock, session.closed, (fault) => {
          session.fault(fault)
        })
      }
      return session
    },
  }
}

export const hidKeyboard = hidKeyboardOn(machineBus)

/** Every keyboard plugged in, people's own among them: only a person can tell which is a reader. Opens none. */
async function discoverKeyboards(places: HidPlaces): Promise<DiscoveredDevice[]> {
  const plugged = await listHid(places)
  const found = plugged
    .filter((device) => has(device, 'keyboard'))
    .map((device) => ({
      spec: `hid-keyboard:${formatHidAddress(stableAddress(device, plugged))}`,
      description: `keyboard or reader that types: ${device.name}, ${device.port} (${device.node})`,
    }))
  // A device with two keyboards is one reader.
  return [...new Map(found.map((device) => [device.spec, device])).values()]
}
