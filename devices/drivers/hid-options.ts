import { z } from 'zod'
import { hidAddressRule, parseHidAddress, type HidAddress } from '../transports/hid-address.ts'

const hexId = z.string().regex(/^[0-9a-f]{4}$/i, 'must be four hex digits')

/** The path of every HID driver may say `usb` and leave the device to these. */
export const hidShape = {
  vendorId: hexId
    .optional()
    .describe('four hex digits; default none; only with the path usb: maker of the device'),
  productId: hexId
    .optional()
    .describe('four hex digits; default none; only with the path usb: model of the device'),
}

interface HidFlat {
  path: string
  vendorId?: string | undefined
  productId?: string | undefined
}

/** Which device the path, or the options in its place, name. */
function addressOf({ path, vendorId, productId }: HidFlat): HidAddress | undefined {
  if (path === 'usb') return parseHidAddress(`${vendorId ?? ''}:${productId ?? ''}`)
  return vendorId === undefined && productId === undefined ? parseHidAddress(path) : undefined
}

/** Turns options into what a driver takes, or complains about the path. */
export function withAddress<Flat extends HidFlat, Options>(
  make: (flat: Flat, address: HidAddress) => Options,
) {
  return (flat: Flat, context: z.RefinementCtx): Options => {
    const address = addressOf(flat)
    if (address !== undefined) return make(flat, address)
    const message = `${hidAddressRule}; or usb, with vendorId and productId`
    context.addIssue({ code: 'custom', path: ['path'], message })
    return z.NEVER
  }
}
