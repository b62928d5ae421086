import { wholeNumber } from '../../shared/config.ts'
import type { DiscoveredDevice, ReaderDriver, ReaderOptions } from '../reader.ts'
import { machineBus } from '../transports/hid.ts'
import { formatHidAddress, has, stableAddress, type HidAddress } from '../transports/hid-address.ts'
import type { HidBus } from '../transports/hid-line.ts'
import { listHid, type HidPlaces } from '../transports/hid-sysfs.ts'
import { hidShape, withAddress } from './hid-options.ts'
import { profileComplaint, profileFits } from './line-options.ts'
import { driverOptions, optionHelp } from './option-text.ts'
import { polledShape } from './poll-options.ts'
import { PcproxSession } from './pcprox-session.ts'

export interface PcproxOptions extends ReaderOptions {
  address: HidAddress
  pollMs: number
}

// Of a reader on no serial line the baud rate is left out.
const { format, byteOrder, uidBytes, cards, presenceGapMs, cooldownMs } = polledShape({ baudRate: 9_600 })
const shape = {
  ...hidShape,
  ...{ format, byteOrder, uidBytes, cards },
  pollMs: wholeNumber(20, 5_000).default(250).describe('20..5000 ms; default 250: from one look to the next'),
  ...{ presenceGapMs, cooldownMs },
}

const options = driverOptions(shape)
  .refine(profileFits, profileComplaint)
  .transform(
    withAddress((flat, address): PcproxOptions => ({
      path: flat.path,
      profile: {
        format: flat.format,
        byteOrder: flat.byteOrder,
        uidBytes: flat.uidBytes,
        cards: flat.cards,
      },
      presenceGapMs: flat.presenceGapMs,
      cooldownMs: flat.cooldownMs,
      pollMs: flat.pollMs,
      address,
    })),
  )

/** RF IDeas. */
const maker = '0c27'

/** RF IDeas pcProx readers, asked by HID feature reports (codecs/pcprox.ts). Their settings are left as they are. */
export function pcproxOn(bus: HidBus): ReaderDriver<PcproxOptions> {
  return {
    name: 'pcprox',
    summary: 'RF IDeas pcProx, asked for cards over USB; the path is 0c27:<product>, as for hid-keyboard',
    options,
    optionHelp: optionHelp(shape),
    discover: () => discoverPcprox(bus.places),
    open: ({ address, pollMs }, context) => PcproxSession.open(bus, address, pollMs, context),
  }
}

export const pcprox = pcproxOn(machineBus)

async function discoverPcprox(places: HidPlaces): Promise<DiscoveredDevice[]> {
  const plugged = await listHid(places)
  return plugged
    .filter((device) => device.vendorId === maker && has(device, 'feature'))
    .map((device) => ({
      spec: `pcprox:${formatHidAddress(stableAddress(device, plugged))}`,
      description: `${device.name}, ${device.port} (${device.node})`,
    }))
}
