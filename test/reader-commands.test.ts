/** The reader commands as a technician and a receptionist use them, against real programs with a simulated reader. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../agent/control/client.ts'
import type { SimulatedAction } from '../agent/control/operations.ts'
import { socketPath } from '../agent/control/protocol.ts'
import type { SupervisorEvent } from '../devices/reader-status.ts'
import { runProgram, startAgent, startProgram, type Finished, type RunningProgram } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { agentQueue, agentStatus, eventually, temporaryFolder } from './lobby.ts'

const run = (data: string, args: string[], input?: string): Promise<Finished> =>
  runProgram('agent', [...args, '--data', data], input === undefined ? {} : { input })

/** Resolves once the program has said so on standard error; it may have before. */
const said = (program: RunningProgram, text: string): Promise<void> =>
  eventually(() => program.stderr().includes(text))

const folder = temporaryFolder('reader-commands')
const data = join(folder.path, 'agent')
const client = join(folder.path, 'client.json')
let agent: RunningProgram

const simulate = (action: SimulatedAction): Promise<unknown> =>
  call(socketPath(data), 'reader.simulate', { action })
const tap = (uid: string): Promise<unknown> => simulate({ kind: 'tap', text: uid })
const start = (...args: string[]): RunningProgram => startProgram('agent', [...args, '--data', data])

beforeAll(async () => {
  writeFileSync(client, sampleClient(70))
  agent = await startAgent(data, { args: ['--reader', 'simulated:lobby'] })
})
afterAll(async () => {
  await agent.stop()
  folder[Symbol.dispose]()
})

describe('a phone', () => {
  test('is refused with the reason in Spanish, and the enrolment takes the card that follows', async () => {
    const enrolling = start('enroll', '--from', client, '--wait', '--json')
    await eventually(async () => (await agentStatus(data)).waitingEnrolments === 1)
    await tap('0824A937')
    await eventually(() => /use\s+la\s+tarjeta\s+misma,\s+no\s+el\s+teléfono/.test(enrolling.stderr()))
    const status = await agentStatus(data)
    expect(status).toMatchObject({ waitingEnrolments: 1, queue: { pending: 0 } })
    expect(status.readers[0]).toMatchObject({
      identities: { random: 1 },
      lastTapWorth: { identity: 'random', proof: 'none' },
    })
    await tap('A0C2BBCA')
    await eventually(async () => (await agentQueue(data)).length === 1)
    expect(JSON.parse((await enrolling.stop('SIGINT')).stdout)).toMatchObject({ state: 'saved' })
    expect((await run(data, ['status'])).stdout).toContain(
      '1 tap of a phone or a card of changing number, refused',
    )
  })

  test.each([
    [[], 'use el de la tarjeta misma'],
    [['--language', 'en'], 'use that of the card itself'],
  ])('is refused as --card, in the language of the desk: %j', async (args, words) => {
    const queued = (await agentQueue(data)).length
    const finished = await run(
      data,
      ['enroll', '--from', '-', '--card', '08:24:a9:37', ...args],
      sampleClient(71),
    )
    expect(finished).toMatchObject({ code: 2, stdout: '' })
    expect(finished.stderr).toContain('card-random')
    expect(finished.stderr).toContain(words)
    expect(finished.stderr).not.toMatch(/0824A937|08:24/i)
    expect((await agentQueue(data)).length).toBe(queued)
  })

  test('is none where all cards are 125 kHz ones, running or stopped', async () => {
    using lf = temporaryFolder('reader-lf')
    const lfData = join(lf.path, 'agent')
    const args = ['--reader', 'simulated:lobby?cards=lf']
    const card = (uid: string, env: Record<string, string> = {}): Promise<Finished> =>
      runProgram('agent', ['enroll', '--from', '-', '--card', uid, '--data', lfData], {
        input: sampleClient(70),
        env: { VLT_AGENT_SERVER_URL: 'http://127.0.0.1:9', ...env },
      })
    {
      await using _agent = await startAgent(lfData, { args })
      const params = { client: sampleClient(70), card: '0801161D' }
      const saved = Promise.withResolvers<unknown>()
      const hangUp = new AbortController()
      const options = { onEvent: saved.resolve, signal: hangUp.signal }
      const calling = call(socketPath(lfData), 'enroll.card', params, options).catch(saved.reject)
      expect(await saved.promise).toMatchObject({ state: 'saved' })
      hangUp.abort()
      await calling
    }
    expect(await card('0801161E', { VLT_AGENT_READER: 'simulated:lobby?cards=lf' })).toMatchObject({
      code: 6,
    })
    expect(await card('0801161F', { VLT_AGENT_READER: 'simulated:lobby' })).toMatchObject({ code: 2 })
    expect(await card('0801161F', { VLT_AGENT_READER: 'nonsense' })).toMatchObject({ code: 2 })
  })
})

describe('reader monitor', () => {
  test('shows taps with what they are worth, and bytes only to who asked for them', async () => {
    await using plain = start('reader', 'monitor', '--json')
    await using raw = start('reader', 'monitor', '--json', '--raw')
    await using human = start('reader', 'monitor', '--raw')
    await Promise.all([plain.line(/"ready"/), raw.line(/"ready"/), human.line(/ready/)])
    await tap('B1D3CCDB')
    await Promise.all([plain.line(/"type":"tap"/), raw.line(/"type":"tap"/)])
    await human.line(/^\d\d:\d\d:\d\d {2}in {3}42 31 44 33 43 43 44 42 0D {23}B1D3CCDB\.$/)
    await human.line(/^\d\d:\d\d:\d\d {2}tap {2}B1D3CCDB {2}stable, proof: none$/)
    const types = async (program: RunningProgram): Promise<string[]> => {
      const { code, stdout } = await program.stop('SIGINT')
      expect(code).toBe(0)
      return stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as SupervisorEvent).type)
    }
    expect(await types(plain)).toEqual(['state', 'tap'])
    // The last ones are what the reader is told: nobody waits for this card.
    expect(await types(raw)).toEqual(['state', 'bytes', 'bytes', 'tap'])
  })

  test('shows what a reader is told of each tap: accepted, or refused', async () => {
    await using raw = start('reader', 'monitor', '--json', '--raw')
    await raw.line(/"ready"/)
    const told = (what: string): string =>
      `"direction":"out","hex":"${Buffer.from(`${what}\r`).toString('hex').toUpperCase()}"`
    await tap('F1F2F3F4')
    await raw.line(new RegExp(told('refused')))
    await run(data, ['enroll', '--from', '-'], sampleClient(81))
    await tap('F1F2F3F5')
    await raw.line(new RegExp(told('accepted')))
  })
})

describe('reader test', () => {
  test('is good after three taps of one card, which nobody registers though somebody waits', async () => {
    await run(data, ['enroll', '--from', '-'], sampleClient(80))
    const queued = (await agentQueue(data)).length
    await using testing = start('reader', 'test', '--json')
    for (const prompt of ['Tap 1 of 3', 'Tap 2 of 3', 'Tap 3 of 3']) {
      await said(testing, prompt)
      await simulate({ kind: 'hold', text: 'C2E4DDEC', forMs: 450 })
    }
    const { code, stdout } = await testing.exited
    expect(code).toBe(0)
    const one = { uid: 'C2E4DDEC', identity: 'stable', proof: 'none', reads: expect.any(Number) as unknown }
    expect(JSON.parse(stdout)).toMatchObject({
      reader: 'simulated:lobby',
      verdict: 'good',
      problems: [],
      taps: [one, one, one],
    })
    const { taps } = JSON.parse(stdout) as { taps: { reads: number; intervalMs: number }[] }
    for (const { reads, intervalMs } of taps) {
      expect(reads).toBeGreaterThan(2)
      expect(intervalMs).toBeGreaterThan(80)
      expect(intervalMs).toBeLessThan(400)
    }
    expect((await agentQueue(data)).length).toBe(queued)
    expect((await agentStatus(data)).waitingEnrolments).toBe(1)
    await run(data, ['enroll', '--cancel'])
  })

  test('is bad, with the reason, where the reads do not agree', async () => {
    await using testing = start('reader', 'test')
    await said(testing, 'Tap 1 of 3')
    for (const [uid, next] of [
      ['A0C2BBCA', 'Tap 2 of 3'],
      ['DEADBEEF', 'Tap 3 of 3'],
      ['A0C2BBCA', 'Read.'],
    ] as const) {
      await tap(uid)
      await said(testing, next)
    }
    const { code, stdout } = await testing.exited
    expect(code).toBe(5)
    expect(stdout).toMatch(/^Bad:\n {2}The taps were read as different cards/m)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test.each([
    ['without a tap', ['--timeout', '1'], 5, 'reader-no-tap'],
    ['of a reader that is not there', ['--reader', 'serial-line:/dev/nonexistent'], 5, 'reader-not-found'],
    ['of a reader that cannot be', ['--reader', 'serial-lime:x'], 3, 'reader-spec-invalid'],
    ['with a time that is none', ['--timeout', '0'], 2, 'usage'],
  ])('%s ends with a reason', async (_name, args, code, error) => {
    const finished = await run(data, ['reader', 'test', ...args])
    expect(finished).toMatchObject({ code, stdout: '' })
    expect(finished.stderr).toContain(`error ${error}`)
  })

  test('waits for the readers that there are, and for none where none is left', async () => {
    using some = temporaryFolder('reader-some')
    const gone = ['--reader', 'serial-line:/dev/nonexistent']
    const test = (name: string): Promise<Finished> =>
      run(join(some.path, name), ['reader', 'test', '--timeout', '2'])
    await using _one = await startAgent(join(some.path, 'one'), {
      args: [...gone, '--reader', 'simulated:a'],
    })
    expect((await test('one')).stderr).toContain('error reader-no-tap')
    await using _none = await startAgent(join(some.path, 'none'), { args: gone })
    expect((await test('none')).stderr).toContain('error reader-not-found')
  })

  test('gives the taps back when it is interrupted', async () => {
    const testing = start('reader', 'test')
    await said(testing, 'Tap 1 of 3')
    expect((await testing.stop('SIGINT')).code).toBe(1)
    const enrolling = start('enroll', '--from', client, '--wait', '--json')
    await eventually(async () => (await agentStatus(data)).waitingEnrolments === 1)
    const queued = (await agentQueue(data)).length
    await tap('D3F5EEFD')
    await eventually(async () => (await agentQueue(data)).length === queued + 1)
    await enrolling.stop('SIGINT')
  })
})

describe('reader learn', () => {
  async function learn(args: string[], ...payloads: string[]): Promise<Finished> {
    await using learning = start('reader', 'learn', ...args)
    for (const [index, payload] of payloads.entries()) {
      await said(learning, index === 0 ? 'Tap the' : 'Tap the next card')
      await simulate({ kind: 'raw', text: `${payload}\r` })
    }
    return await learning.exited
  }

  test('prints the options that make the known UID of what was read', async () => {
    expect(await learn(['--card', 'A0:C2:BB:CA'], '3401302688')).toMatchObject({
      code: 0,
      stdout: 'format=decimal-10&byteOrder=reversed\n',
    })
  })

  test('says that several formats fit and prints none of them', async () => {
    const finished = await learn(['--card', 'A0C2C2A0'], 'A0C2C2A0')
    expect(finished).toMatchObject({ code: 5, stdout: '' })
    expect(finished.stderr).toContain('error reader-format-open')
    expect(finished.stderr).toContain('format=hex&byteOrder=reversed')
    for (const line of finished.stderr.split('\n').filter((text) => !/^(error|hint)/.test(text)))
      expect(line.length).toBeLessThanOrEqual(80)
  })

  test('lets a second known card decide', async () => {
    const cards = ['--card', 'A0C2C2A0', '--card', 'A0C2BBCA', '--json']
    const { code, stdout } = await learn(cards, 'A0C2C2A0', 'CABBC2A0')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      options: 'format=hex&byteOrder=reversed',
      fits: [{ identity: 'stable' }],
    })
  })

  test('says when nothing fits', async () => {
    const finished = await learn(['--card', 'A0C2BBCA', '--json'], 'DEADBEEF')
    expect(finished.code).toBe(5)
    expect(JSON.parse(finished.stdout)).toEqual({ options: null, fits: [] })
    expect(finished.stderr).toContain('error reader-format-unknown')
  })

  test.each([[[]], [['--card', 'A0C2B']]])('%j is a wrong call', async (args) => {
    expect(await run(data, ['reader', 'learn', ...args])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('reader discover and list', () => {
  test('discover names devices with a spec that can be given as it is, also where no udevadm is', async () => {
    const { code, stdout } = await runProgram('agent', ['reader', 'discover', '--json'], {
      env: { PATH: '/nonexistent' },
    })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toContainEqual({ spec: 'simulated:lobby', description: 'simulated reader' })
    const human = await run(data, ['reader', 'discover'])
    expect(human).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^--reader simulated:lobby$/m) as unknown,
    })
  })

  test('list tells how the readers of the agent are, within 80 columns', async () => {
    await simulate({ kind: 'unplug', forMs: 3_000 })
    await eventually(async () => (await agentStatus(data)).readers[0]?.state === 'absent')
    const { code, stdout } = await run(data, ['reader', 'list'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}simulated:lobby\n {4}absent since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, \d+ taps/m)
    expect(stdout).toMatch(/^ {4}reader-(unplugged|not-found): Plug the reader in/m)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('drivers names them all, and the options of the one that is asked for', async () => {
    const { stdout: all } = await run(data, ['reader', 'drivers'])
    expect(all).toMatch(/^ {2}hid-keyboard +a reader that types/m)
    expect(all).not.toContain('presenceGapMs')
    const { stdout: one } = await run(data, ['reader', 'drivers', 'pn532'])
    expect(one).toMatch(/^ {6}pollMs +125\.\.1000 ms; default 150/m)
    for (const line of `${all}${one}`.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(await run(data, ['reader', 'drivers', 'pn533'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there are 7941w') as unknown,
    })
  })

  test('a command that needs the agent says how to do without', async () => {
    using nobody = temporaryFolder('reader-nobody')
    expect(await run(join(nobody.path, 'agent'), ['reader', 'test'])).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringContaining('--reader') as unknown,
    })
  })
})

test('nothing of all that left a card number in the log', async () => {
  await eventually(async () => (await agentStatus(data)).readers[0]?.state === 'ready')
  expect(agent.stderr()).toContain('accepted')
  expect(agent.stderr()).not.toMatch(/A0C2|0824A9|C2E4DD|D3F5EE|3401302688/i)
})
