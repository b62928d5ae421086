/** The reader commands on a real serial line, where no agent runs or where it holds the line. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { runProgram, startAgent, startProgram, type RunningProgram } from '../demo/programs.ts'
import { PseudoTerminal } from '../devices/transports/pseudo-terminal.testing.ts'
import { agentStatus, eventually, temporaryFolder } from './lobby.ts'

const said = (program: RunningProgram, text: string): Promise<void> =>
  eventually(() => program.stderr().includes(text))

describe('without an agent', () => {
  test('reader test opens the reader by itself', async () => {
    using folder = temporaryFolder('no-agent')
    await using line = await PseudoTerminal.create()
    const spec = `serial-line:${line.path}?presenceGapMs=0&cooldownMs=0&uidBytes=4`
    await using testing = startProgram('agent', ['reader', 'test', '--reader', spec, '--data', folder.path])
    for (const prompt of ['Tap 1 of 3', 'Tap 2 of 3', 'Tap 3 of 3']) {
      await said(testing, prompt)
      await line.write('a0:c2:bb:ca\r\n')
    }
    const { code, stdout } = await testing.exited
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining('Good: 3 taps, each time the same card.') as unknown,
    })
    expect(stdout.match(/^ {2}A0C2BBCA {14}stable {5}none/gm)).toHaveLength(3)
  })

  test('reader learn asks whoever sits at the terminal for a second card where one does not say enough', async () => {
    using folder = temporaryFolder('no-agent')
    await using line = await PseudoTerminal.create()
    const args = ['reader', 'learn', '--card', 'A0C2C2A0', '--reader', `serial-line:${line.path}`]
    const program = [
      process.execPath,
      new URL('../agent/cli.ts', import.meta.url).pathname,
      ...args,
      '--data',
      folder.path,
    ]
    // A terminal of its own, as a person has it: socat makes one.
    const child = spawn('socat', [
      '-',
      `EXEC:${program.join(' ').replaceAll(':', String.raw`\:`)},pty,stderr,setsid,ctty`,
    ])
    const exited = once(child, 'exit')
    let shown = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text))
    try {
      await eventually(() => shown.includes('Tap the card.'))
      await line.write('A0C2C2A0\r')
      await eventually(() => shown.includes('Its UID'))
      expect(shown).toContain('format=hex&byteOrder=reversed')
      child.stdin.write('A0C2BBCA\n')
      await eventually(() => shown.includes('Tap the next card.'))
      // The first card lies there still.
      await line.write('A0C2C2A0\rA0C2BBCA\r')
      await eventually(() => /^format=hex\r?$/m.test(shown))
    } finally {
      child.stdin.end()
      child.kill()
      await exited
    }
  })

  test('reader monitor shows bytes of a line, an unplug and the replug', async () => {
    using folder = temporaryFolder('no-agent')
    await using line = await PseudoTerminal.create()
    const args = ['reader', 'monitor', '--raw', '--json', '--reader', `serial-line:${line.path}`]
    await using monitor = startProgram('agent', [...args, '--data', folder.path])
    await monitor.line(/"ready"/)
    await line.write('A0C2BBCA\r')
    await monitor.line(/"type":"bytes".*"hex":"/)
    await monitor.line(/"type":"tap".*A0C2BBCA/)
    await line.unplug()
    await monitor.line(/reader-unplugged/)
    await line.replug()
    await eventually(async () => {
      await line.write('DEADBEEF\r')
      return Promise.race([monitor.line(/DEADBEEF/).then(() => true), delay(200, false)])
    })
    expect((await monitor.stop('SIGINT')).code).toBe(0)
  })

  test('a line that another program has locked is busy, and the program is named', async () => {
    using folder = temporaryFolder('no-agent')
    await using line = await PseudoTerminal.create()
    const holder = spawn('flock', ['--exclusive', '--no-fork', line.path, 'sleep', '60'], { stdio: 'ignore' })
    const exited = once(holder, 'exit')
    try {
      await eventually(async () => {
        const args = ['reader', 'test', '--reader', `serial-line:${line.path}`, '--timeout', '1']
        const { code, stderr } = await runProgram('agent', [...args, '--data', folder.path])
        return code === 5 && stderr.includes('error reader-busy') && stderr.includes('has the reader open')
      })
    } finally {
      holder.kill()
      await exited
    }
  })
})

test('with an agent its own reader is tested, whatever the options given, and a replug is healed within 3 s', async () => {
  using folder = temporaryFolder('with-agent')
  const data = join(folder.path, 'agent')
  await using line = await PseudoTerminal.create()
  await using _agent = await startAgent(data, { args: ['--reader', `serial-line:${line.path}`] })
  const state = async (): Promise<string | undefined> => (await agentStatus(data)).readers[0]?.state
  await eventually(async () => (await state()) === 'ready')
  const learning = startProgram('agent', [
    ...['reader', 'learn', '--card', 'A0C2BBCA', '--reader', `serial-line:${line.path}`, '--data', data],
  ])
  await said(learning, 'Tap the card.')
  await line.write('3401302688\r')
  expect(await learning.exited).toMatchObject({ code: 0, stdout: 'format=decimal-10&byteOrder=reversed\n' })

  const unpluggedMs = performance.now()
  await line.unplug()
  await eventually(async () => (await state()) === 'absent', 5_000)
  expect(performance.now() - unpluggedMs).toBeLessThan(1_000)
  // So long that the back-off has grown to its longest.
  await delay(5_000)
  const replugged = performance.now()
  await line.replug()
  await eventually(async () => (await state()) === 'ready', 10_000)
  expect(performance.now() - replugged).toBeLessThan(3_000)
})
