import { existsSync, watch } from 'node:fs'
import { basename, dirname, isAbsolute } from 'node:path'
import type { Clock } from '../shared/clock.ts'

/**
 * Calls back when something happens to the device at `path`: it appears, leaves, changes its owner or mode. While
 * its folder is not there (udev makes /dev/serial with the first device) it watches for that.
 *
 * A hint to look at once, not a promise: a file system without notifications, or a machine that has no more of them
 * to give, calls nobody. Paths that are no files have nothing to watch.
 */
export function watchForDevice(path: string, onChange: () => void): Disposable {
  if (!isAbsolute(path)) return nothing
  let [folder, entry] = [dirname(path), basename(path)]
  while (!existsSync(folder)) [folder, entry] = [dirname(folder), basename(folder)]
  try {
    const watcher = watch(folder, { persistent: false }, (_event, name) => {
      if (name === null || name === entry) onChange()
    })
    // The folder is gone: whoever asked looks again by itself, and then watches what is left.
    watcher.on('error', () => undefined)
    return {
      [Symbol.dispose]: () => {
        watcher.close()
      },
    }
  } catch {
    return nothing
  }
}

const nothing: Disposable = { [Symbol.dispose]: () => undefined }

/** Sleeps, at most until something happens to the device file; answers whether that ended it. */
export async function sleepUntilPlugged(
  clock: Clock,
  path: string,
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  const over = new AbortController()
  const end = (): void => {
    over.abort()
  }
  let isPlugged = false
  using _watch = watchForDevice(path, () => {
    isPlugged = true
    end()
  })
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  await clock.sleep(ms, over.signal)
  signal.removeEventListener('abort', end)
  return isPlugged
}
