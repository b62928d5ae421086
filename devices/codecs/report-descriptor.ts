/**
 * What a HID device says of its reports (HID 1.11, 6.2.2: a list of items, of which only those matter here that
 * tell a keyboard from the rest). Which reports are a keyboard's cannot be told by looking at reports: volume keys
 * of the same device come as three bytes too.
 */

/** Report IDs; 0 stands for reports that have none. */
export interface ReportDescriptor {
  /** Input reports inside a keyboard or keypad. */
  keyboardIds: number[]
  featureIds: number[]
}

interface Item {
  type: number
  tag: number
  value: number
  bytes: number
}

interface Globals {
  usagePage: number
  reportId: number
}

const itemType = { main: 0, global: 1, local: 2 }
const application = 0x01
/** Keyboard and keypad of the page Generic Desktop. */
const keyboards = [0x0001_0006, 0x0001_0007]

/** Never throws: a descriptor that is cut off counts as far as it goes. */
export function readReportDescriptor(descriptor: Uint8Array): ReportDescriptor {
  const keyboardIds = new Set<number>()
  const featureIds = new Set<number>()
  let globals: Globals = { usagePage: 0, reportId: 0 }
  const stack: Globals[] = []
  let usage: number | undefined
  /** For each open collection: is it in a keyboard? */
  const inKeyboard: boolean[] = []

  for (const { type, tag, value, bytes } of items(descriptor)) {
    if (type === itemType.global) {
      if (tag === 0x0) globals = { ...globals, usagePage: value }
      else if (tag === 0x8) globals = { ...globals, reportId: value }
      else if (tag === 0xa) stack.push(globals)
      else if (tag === 0xb) globals = stack.pop() ?? globals
    } else if (type === itemType.local) {
      // Of several usages the first is the collection's.
      if (tag === 0x0) usage ??= bytes === 4 ? value : globals.usagePage * 0x1_0000 + value
    } else if (type === itemType.main) {
      const isInside = inKeyboard.at(-1) === true
      if (tag === 0xa) {
        inKeyboard.push(
          isInside || (value === application && usage !== undefined && keyboards.includes(usage)),
        )
      } else if (tag === 0xc) inKeyboard.pop()
      else if (tag === 0x8 && isInside) keyboardIds.add(globals.reportId)
      else if (tag === 0xb) featureIds.add(globals.reportId)
      usage = undefined
    }
  }
  return { keyboardIds: [...keyboardIds], featureIds: [...featureIds] }
}

function* items(descriptor: Uint8Array): Generator<Item> {
  const view = new DataView(descriptor.buffer, descriptor.byteOffset, descriptor.byteLength)
  let at = 0
  while (at < view.byteLength) {
    const prefix = view.getUint8(at)
    if (prefix === 0xfe) {
      // A long item: its size, its tag, then bytes that nobody has defined.
      at += 3 + (at + 1 < view.byteLength ? view.getUint8(at + 1) : 0)
      continue
    }
    const size = prefix & 0x03
    const bytes = size === 3 ? 4 : size
    if (at + 1 + bytes > view.byteLength) return
    let value = 0
    for (let index = bytes; index > 0; index -= 1) value = value * 0x100 + view.getUint8(at + index)
    yield { type: (prefix >> 2) & 0x03, tag: prefix >> 4, value, bytes }
    at += 1 + bytes
  }
}
