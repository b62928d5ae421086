/**
 * Readers on a real kernel: USB devices that are plugged in and out, udev with our rules, the agent as the user that
 * it has on a lobby machine. One machine and one agent go through all of it, in this order.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../../agent/control/client.ts'
import { socketPath } from '../../agent/control/protocol.ts'
import { startServer } from '../../demo/programs.ts'
import { sampleClient } from '../../demo/sample-client.ts'
import { hexBytes } from '../../devices/codecs/bytes.ts'
import {
  compositeKeyboard,
  keyboardWithFeature,
  threeByteKeyboard,
  typed,
} from '../../devices/transports/hid.testing.ts'
import { agentStatus, cardsOnServer, temporaryFolder } from '../lobby.ts'
import {
  bootMachine,
  createDisk,
  hostAddress,
  type Keyboard,
  type Machine,
  type SerialPlug,
} from './machine/machine.ts'
import { playHid } from './machine/played-hid.ts'
import {
  asAgent,
  installRules,
  installUsers,
  must,
  readRules,
  runAgentCommand,
  startAgentIn,
  type AgentInMachine,
} from './machine/product.ts'
import { gatherSupplies } from './machine/supplies.ts'
import { watchReaders, type WatchedReaders } from './machine/watched-readers.ts'

const byId = (serial: string): string => `/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_${serial}-if00-port0`
const byPort = (port: number): string =>
  `/dev/serial/by-path/pci-0000:00:04.0-usb-0:${String(port)}:1.0-port0`
const line = `serial-line:${byId('reader-1')}`
const framed = `serial-framed:${byId('reader-2')}`
const left = `serial-line:${byPort(3)}`
const right = `serial-line:${byPort(4)}`
const keyboard = 'hid-keyboard:0627:0001'
const nine = 'hid-keyboard:1a86:dd01'
const three = 'hid-keyboard:ffff:0035'
const pcprox = 'pcprox:0c27:3bfa'

const stack = new AsyncDisposableStack()
let serverData: string
let server: Awaited<ReturnType<typeof startServer>>
let machine: Machine
let agent: AgentInMachine
let readers: WatchedReaders
let lineReader: SerialPlug

beforeAll(async () => {
  const folder = stack.use(temporaryFolder('hardware'))
  serverData = join(folder.path, 'server')
  server = stack.use(await startServer(serverData))
  machine = stack.use(await bootMachine(stack.use(gatherSupplies()), createDisk(folder.path)))
  await installUsers(machine)
  lineReader = await machine.plugSerial(1)
  const { port } = new URL(server.url)
  agent = stack.use(
    await startAgentIn(machine, [
      ...['--server-url', `http://${hostAddress}:${port}`, '--insecure-http'],
      ...[line, `${framed}?profile=rdm6300`, left, right, keyboard, nine, three, pcprox].flatMap((spec) => [
        '--reader',
        spec,
      ]),
    ]),
  )
  readers = stack.use(await watchReaders(machine))
}, 120_000)

afterAll(() => stack.disposeAsync())

const isReady = (reader: string) =>
  readers.until(`${reader} is ready`, () => readers.state(reader) === 'ready')
const isGone = (reader: string) =>
  readers.until(`${reader} is gone`, () => readers.state(reader) === 'absent')
const hasFault = (reader: string, code: string) =>
  readers.until(`${reader} says ${code}`, () => readers.fault(reader)?.code === code)
/** The only tap since the last call for this reader is that of `uid`. */
const seen = new Map<string, number>()
async function isTapped(reader: string, uid: string): Promise<void> {
  const before = seen.get(reader) ?? 0
  await readers.until(`a tap at ${reader}`, () => readers.taps(reader).length > before)
  await delay(300)
  expect(readers.taps(reader).slice(before)).toEqual([uid])
  seen.set(reader, before + 1)
}

let codigo = 100
/** A client enrols, taps, and is on the server. */
async function register(tap: () => void | Promise<void>): Promise<void> {
  const waiting = Promise.withResolvers<undefined>()
  const params = { client: sampleClient(codigo++), timeoutMs: 60_000, wait: true }
  const outcome = call(socketPath(agent.data), 'enroll.start', params, {
    onEvent: () => {
      waiting.resolve(undefined)
    },
  })
  await Promise.race([waiting.promise, outcome])
  await tap()
  expect(await outcome).toMatchObject({ state: 'registered' })
}

test('a reader that nobody has let the agent open is forbidden, and ready as soon as our rule is there', async () => {
  await hasFault(line, 'reader-permission')
  await installRules(machine)
  await isReady(line)
  const owner = await must(machine, `stat -L -c '%U %G %a' ${byId('reader-1')}`)
  expect(owner.trim()).toBe('root vlt-reader 660')
})

test('a card read from a serial line is on the server', async () => {
  await register(() => {
    lineReader.write('a0:c2:bb:ca\r\n')
  })
  await isTapped(line, 'A0C2BBCA')
})

test('a frame that comes once is a ghost, and a card when it comes twice', async () => {
  await using plug = await machine.plugSerial(2)
  await isReady(framed)
  const [ghost, card] = ['\x02' + '00F00000F000' + '\x03', '\x02' + '62E3086CED08' + '\x03']
  plug.write(ghost)
  await readers.until('the ghost is refused', () =>
    readers.news.some((event) => event.type === 'rejected' && event.code === 'frame-unrepeated'),
  )
  await register(async () => {
    plug.write(card)
    await delay(100)
    plug.write(card)
  })
  await isTapped(framed, '62E3086CED')
})

test('a reader that types reaches the screen too where it may only be opened, and the agent alone by our rule', async () => {
  const mayOpen = 'SUBSYSTEM=="hidraw", KERNELS=="0003:0627:0001.*", GROUP="vlt-reader", MODE="0660"'
  await writeRule(mayOpen)
  {
    await using usb = await machine.plugKeyboard('first')
    await hasFault(keyboard, 'reader-leaking')
    expect(await typedAlsoIntoTheMachine(usb, 'a0c2')).toBe(true)
  }
  await isGone(keyboard)
  await writeRule(
    'SUBSYSTEM=="hidraw|input", SUBSYSTEMS=="hid", KERNELS=="0003:0627:0001.*", ENV{VLT_WEDGE}="1"',
  )
  await using usb = await machine.plugKeyboard('second')
  await isReady(keyboard)
  expect(await typedAlsoIntoTheMachine(usb, 'a0c2bbcb\n')).toBe(false)
  await isTapped(keyboard, 'A0C2BBCB')
  await register(() => usb.type('a0c2bbcc\n'))
  await isTapped(keyboard, 'A0C2BBCC')
  expect(readers.fault(keyboard)).toBeNull()
})

/** A technician's own rule, as the comments of our rules have it. */
async function writeRule(rule: string): Promise<void> {
  await must(machine, `echo '${rule}' > /etc/udev/rules.d/59-vlt-readers.rules && ${readRules}`)
}

/** Does anything reach who listens to the keyboard, as console and desktop do? */
async function typedAlsoIntoTheMachine(usb: Keyboard, text: string): Promise<boolean> {
  const node = 'node=$(ls -d /sys/bus/hid/devices/0003:0627:0001.*/input/input*/event*)'
  const listening = must(machine, `${node} && { timeout 3 cat /dev/input/$(basename $node) | wc -c; }`)
  await delay(1_000)
  await usb.type(text)
  return Number(await listening) > 0
}

test('reports of nine and of three bytes are keys', async () => {
  const device = { port: 'usb-0000:00:14.0-5/input0', name: 'Reader', serial: '' }
  {
    await using reader = await playHid(machine, {
      ...{ ...device, vendorId: 0x1a86, productId: 0xdd01, descriptor: compositeKeyboard },
    })
    await isReady(nine)
    reader.send(typed('4113019379\n', 'nine'))
    await isTapped(nine, '4113019379')
  }
  await isGone(nine)
  await using reader = await playHid(machine, {
    ...{ ...device, vendorId: 0xffff, productId: 0x0035, descriptor: threeByteKeyboard },
  })
  await isReady(three)
  await register(() => {
    reader.send(typed('04A2B3C4\n', 'three'))
  })
  await isTapped(three, '04A2B3C4')
})

test('a pcProx that is asked by feature reports says a card once for as long as it lies there', async () => {
  const [data, length, noCard] = [
    hexBytes('CABBC2A000000000'),
    hexBytes('2020000000000000'),
    new Uint8Array(8),
  ]
  await using reader = await playHid(machine, {
    ...{ vendorId: 0x0c27, productId: 0x3bfa, name: 'pcProx', port: 'usb-0000:00:14.0-6/input0', serial: '' },
    descriptor: keyboardWithFeature,
  })
  const show = (card: Uint8Array): void => {
    reader.answer(0x8e, length)
    reader.answer(0x8f, card)
  }
  await isReady(pcprox)
  show(data)
  await delay(2_000)
  await isTapped(pcprox, 'A0C2BBCA')
  show(noCard)
  await delay(3_000)
  show(data)
  await isTapped(pcprox, 'A0C2BBCA')
})

test('two clones are told apart by where they are plugged in, also when they change places', async () => {
  await using one = await machine.plugSerial(3)
  {
    await using two = await machine.plugSerial(4)
    await isReady(left)
    await isReady(right)
    // Without a serial number of its own a clone is named by its port.
    const found = await runAgentCommand(machine, 'reader discover')
    for (const spec of [left, right]) expect(found).toContain(`--reader ${spec}\n`)
    one.write('11111111\r')
    await isTapped(left, '11111111')
    two.write('22222222\r')
    await isTapped(right, '22222222')
  }
  await isGone(right)
  await one.unplug()
  await isGone(left)
  // The second first: now it has the name that the first one had.
  await using two = await machine.plugSerial(4)
  await isReady(right)
  await using again = await machine.plugSerial(3)
  await isReady(left)
  again.write('33333333\r')
  await isTapped(left, '33333333')
  two.write('44444444\r')
  await isTapped(right, '44444444')
})

const ttyOf = async (path: string): Promise<string> => (await must(machine, `readlink -f ${path}`)).trim()

test('a reader that comes back under another tty is the same reader', async () => {
  const before = await ttyOf(byId('reader-1'))
  await lineReader.unplug()
  await isGone(line)
  await using _other = await machine.plugSerial(2)
  await isReady(framed)
  expect(await ttyOf(byId('reader-2'))).toBe(before)
  lineReader = await machine.plugSerial(1)
  await isReady(line)
  expect(await ttyOf(byId('reader-1'))).not.toBe(before)
  lineReader.write('A0C2BBCA\r')
  await isTapped(line, 'A0C2BBCA')
})

test('half a card, an unplug, and noise are no card', async () => {
  lineReader.write('A0C2')
  await delay(50)
  await lineReader.unplug()
  await isGone(line)
  lineReader = await machine.plugSerial(1)
  await isReady(line)
  for (let burst = 0; burst < 20; burst += 1) lineReader.write(randomBytes(200))
  lineReader.write('\r')
  await delay(1_000)
  lineReader.write('04112233\r')
  await isTapped(line, '04112233')
})

test('a port that another program holds is busy, the program is named, and the end of it heals', async () => {
  // As ModemManager holds a port (ioctl_tty(2), TIOCEXCL), and under the agent's user: of others it may not know.
  const hold = `perl -e 'open F, "+<", shift or die; ioctl F, 0x540C, 0 or die; sleep' ${byId('reader-1')}`
  await lineReader.unplug()
  await isGone(line)
  // The agent stands still, or it would be first.
  await must(machine, `kill -STOP ${String(agent.pid)}`)
  lineReader = await machine.plugSerial(1)
  await must(machine, `until [ -e ${byId('reader-1')} ]; do sleep 0.01; done; udevadm settle`)
  const pid = Number(await must(machine, `${asAgent(hold)} > /run/holder 2>&1 & echo $!`))
  await must(machine, `until ls -l /proc/${String(pid)}/fd | grep -q ttyUSB; do sleep 0.01; done`)
  await must(machine, `kill -CONT ${String(agent.pid)}`)
  await hasFault(line, 'reader-busy')
  expect(readers.fault(line)).toMatchObject({
    holder: { name: 'perl', pid },
    hint: expect.stringContaining(`perl (process ${String(pid)})`) as unknown,
  })
  await must(machine, `kill ${String(pid)}`)
  await isReady(line)
})

const cycles = 50

test(
  `${String(cycles)} times unplugged and plugged in again: gone within 1 s, ready within 3 s, the same agent`,
  { timeout: 300_000 },
  async () => {
    const gone: number[] = []
    const ready: number[] = []
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      const unplugged = readers.news.length
      await lineReader.unplug()
      await isGone(line)
      gone.push(await between(unplugged, /^usb 1-1: USB disconnect/, 'absent'))
      const plugged = readers.news.length
      lineReader = await machine.plugSerial(1)
      await isReady(line)
      ready.push(await between(plugged, /^usb 1-1: new full-speed USB device/, 'ready'))
    }
    console.log(`gone after ${spread(gone)}; ready after ${spread(ready)}, in ms of the machine’s own clock`)
    expect(gone.filter((ms) => ms > 1_000)).toEqual([])
    expect(ready.filter((ms) => ms > 3_000)).toEqual([])
    lineReader.write('A0C2BBCA\r')
    await isTapped(line, 'A0C2BBCA')
    await must(machine, `kill -0 ${String(agent.pid)}`)
    expect((await agentStatus(agent.data)).readers[0]?.opens).toBeGreaterThan(cycles)
  },
)

/** Milliseconds from what the kernel says to what the agent says after it, both since `from`. */
async function between(from: number, kernel: RegExp, state: string): Promise<number> {
  const start = () =>
    readers.news.find((event, index) => index >= from && event.type === 'kernel' && kernel.test(event.text))
  const end = () =>
    readers.news.find(
      (event, index) =>
        index >= from && event.type === 'state' && event.readerId === line && event.state === state,
    )
  await readers.until(`${String(kernel)} and ${state}`, () => start() !== undefined && end() !== undefined)
  return (end()?.atMs ?? NaN) - (start()?.atMs ?? NaN)
}

function spread(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b).map(Math.round)
  const at = (part: number): string => String(sorted[Math.floor(part * (sorted.length - 1))])
  return `${at(0)} to ${at(1)} (half within ${at(0.5)})`
}

test('what was registered is on the server, and no card number in the agent’s log', async () => {
  const log = await agent.log()
  await server.stop()
  const cards = cardsOnServer(serverData).map(({ uid }) => uid)
  expect(cards).toEqual(['A0C2BBCA', '62E3086CED', 'A0C2BBCC', '04A2B3C4'])
  expect([...cards, '33333333', '4113019379'].filter((card) => log.includes(card))).toEqual([])
})
