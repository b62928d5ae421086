import type { Command } from 'commander'
import { systemClock } from '../../shared/clock.ts'
import { settings, type Terminal } from './context.ts'
import { readerEvents } from './reader-events.ts'
import { eventLines } from './reader-lines.ts'

export function addReaderMonitor(reader: Command, terminal: Terminal): void {
  reader
    .command('monitor')
    .description('Show live what the readers of the running agent do, until Ctrl-C')
    .option('--reader <spec>', 'one reader; opened here where the running agent does not have it')
    .option('--raw', 'show the bytes that come and go, too; they hold card numbers')
    .option('--json', 'print a line of JSON per event')
    .action(async (options: { reader?: string; raw?: boolean; json?: boolean }, command: Command) => {
      const config = settings(command, terminal)
      terminal.stopsByItself()
      const watching = { bytes: options.raw === true }
      let shownId: string | undefined
      for await (const event of readerEvents(config, options.reader, watching, terminal.signal)) {
        if (options.json === true) {
          terminal.print(JSON.stringify(event))
          continue
        }
        if (event.readerId !== shownId) terminal.print(event.readerId)
        shownId = event.readerId
        terminal.print(eventLines(event, systemClock.now()))
      }
    })
}
