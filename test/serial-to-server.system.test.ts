import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runProgram, startAgent, startServer } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { PseudoTerminal } from '../devices/transports/pseudo-terminal.testing.ts'
import { agentStatus, cardsOnServer, eventually, temporaryFolder } from './lobby.ts'

test('cards read from a serial line are on the server, through half a frame, an unplug and a replug', async () => {
  using folder = temporaryFolder('serial')
  const agentData = join(folder.path, 'agent')
  const serverData = join(folder.path, 'server')
  await using cable = await PseudoTerminal.create()
  await using server = await startServer(serverData)
  await using agent = await startAgent(agentData, {
    args: ['--server-url', server.url, '--reader', `serial-line:${cable.path}?baudRate=9600`],
  })
  const readerState = async (): Promise<string | undefined> =>
    (await agentStatus(agentData)).readers[0]?.state
  const taps = async (): Promise<number | undefined> => (await agentStatus(agentData)).readers[0]?.taps
  const enrol = async (codigo: number): Promise<void> => {
    const { code, stderr } = await runProgram('agent', ['enroll', '--from', '-', '--data', agentData], {
      input: sampleClient(codigo),
    })
    expect(stderr).toContain('Acerque la tarjeta')
    expect(code).toBe(0)
  }
  await eventually(async () => (await readerState()) === 'ready')

  await enrol(70)
  await cable.write('a0:c2:bb:ca\r\n')
  await eventually(async () => (await agentStatus(agentData)).queue.delivered === 1)

  await enrol(71)
  await cable.write('04A2')
  await cable.unplug()
  await eventually(async () => (await readerState()) === 'absent', 2_000)
  await cable.replug()
  await eventually(async () => (await readerState()) === 'ready', 5_000)
  await cable.write('DEADBEEF\r\n')
  await eventually(async () => (await agentStatus(agentData)).queue.delivered === 2)

  const tapsBefore = await taps()
  await enrol(72)
  for (const nonsense of [
    'A0C2B\r\n',
    'ZZZZZZZZ\r\n',
    `${'A'.repeat(500)}\r\n`,
    '\x00\x01\x02\r\n',
    '00000000\r\n',
  ]) {
    await cable.write(nonsense)
  }
  await eventually(async () => {
    const rejected = (await agentStatus(agentData)).readers[0]?.rejected ?? {}
    return Object.values(rejected).reduce((sum, count) => sum + count, 0) >= 5
  })
  expect(await taps()).toBe(tapsBefore)
  expect((await agentStatus(agentData)).enrolment).toMatchObject({ codigoClienteVLT: 72 })

  const { stderr } = await agent.stop()
  for (const personal of ['DEADBEEF', 'A0C2BBCA', 'Mamani', 'example.com'])
    expect(stderr).not.toContain(personal)
  for (const code of ['uid-odd-length', 'uid-not-hex', 'frame-too-long', 'frame-garbled', 'uid-blank']) {
    expect(stderr).toContain(code)
  }
  await server.stop()
  expect(cardsOnServer(serverData)).toMatchObject([
    { uid: 'A0C2BBCA', codigo_cliente_vlt: '70', active: 1 },
    { uid: 'DEADBEEF', codigo_cliente_vlt: '71', active: 1 },
  ])
})
