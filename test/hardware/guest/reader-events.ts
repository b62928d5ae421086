/**
 * Runs in the machine: prints what the agent's readers do and what the kernel says of USB, each as a line of JSON
 * with the time by one clock, the machine's monotonic one, in milliseconds. Ends with its standard input.
 *
 *   node reader-events.ts <data folder of the agent>
 */
import { createReadStream, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { call } from '../../../agent/control/client.ts'
import { socketPath } from '../../../agent/control/protocol.ts'
import type { SupervisorEvent } from '../../../devices/reader-status.ts'

export type ReaderNews = SupervisorEvent | { type: 'kernel'; text: string }
export type TimedNews = ReaderNews & { atMs: number }

/** How often the kernel log's clock, which is another one, is set against ours. */
const markEveryMs = 1_000
const mark = 'vlt-clock '

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6
const say = (atMs: number, news: ReaderNews): void => {
  console.log(JSON.stringify({ atMs, ...news } satisfies TimedNews))
}

let kernelIsBehindMs = 0
const setMark = (): void => {
  writeFileSync('/dev/kmsg', `${mark}${String(nowMs())}`)
}

/** A record of /dev/kmsg is "priority,sequence,microseconds,…;text" (Linux Documentation/ABI/testing/dev-kmsg). */
function takeRecord(line: string): void {
  const [, micros, text = ''] = /^\d+,\d+,(\d+),[^;]*;(.*)$/.exec(line) ?? []
  if (micros === undefined) return
  const atMs = Number(micros) / 1e3
  if (text.startsWith(mark)) kernelIsBehindMs = Number(text.slice(mark.length)) - atMs
  else if (text.startsWith('usb ')) say(atMs + kernelIsBehindMs, { type: 'kernel', text })
}

const [, , data] = process.argv
if (data === undefined) process.exit(2)
setMark()
setInterval(setMark, markEveryMs)
createInterface({ input: createReadStream('/dev/kmsg') }).on('line', takeRecord)
// An exit would wait for the read under way.
process.stdin.resume().on('end', () => process.kill(process.pid, 'SIGKILL'))
await call(
  socketPath(data),
  'reader.monitor',
  {},
  {
    onEvent: (event) => {
      say(nowMs(), event as SupervisorEvent)
    },
  },
)
