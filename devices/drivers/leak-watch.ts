import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { reachesInput, type HidInterface } from '../transports/hid-sysfs.ts'

/** How often the input layer is looked at, in milliseconds. */
const probeMs = 3_000
/** udev inhibits a device a moment after it appears: what is seen is looked at again so much later, in milliseconds. */
const confirmMs = 1_000

/**
 * Says `reader-leaking` while what a reader types reaches this machine's input layer as well, and null when that has
 * ended; nothing at all as long as it does not. Looks at once, then again and again until `closed` aborts.
 */
export async function watchLeaks(
  device: HidInterface,
  clock: Clock,
  closed: AbortSignal,
  say: (fault: AppError | null) => void,
): Promise<void> {
  let isLeaking = false
  let wasReaching = false
  while (!closed.aborted) {
    const reaches: boolean = (await reachesInput(device)) ?? isLeaking
    if (reaches !== isLeaking && (!reaches || wasReaching)) {
      isLeaking = reaches
      say(reaches ? new AppError('reader-leaking', `${device.node} also types into this machine`) : null)
    }
    wasReaching = reaches
    await clock.sleep(reaches === isLeaking ? probeMs : confirmMs, closed)
  }
}
