import type { Command } from 'commander'
import type { Terminal } from './context.ts'
import { addReaderLearn } from './reader-learn.ts'
import { addReaderList } from './reader-list.ts'
import { addReaderMonitor } from './reader-monitor.ts'
import { addReaderSimulate } from './reader-simulate.ts'
import { addReaderTest } from './reader-test.ts'

export function addReader(program: Command, terminal: Terminal): void {
  const reader = program.command('reader').description('Find, watch, test and simulate card readers')
  addReaderList(reader, terminal)
  addReaderMonitor(reader, terminal)
  addReaderTest(reader, terminal)
  addReaderLearn(reader, terminal)
  addReaderSimulate(reader, terminal)
}
