import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { call } from '../../agent/control/client.ts'
import { socketPath } from '../../agent/control/protocol.ts'
import type { Outcome } from '../../agent/enrolment/registrar.ts'
import { CuttableNetwork } from '../../demo/cuttable-network.ts'
import { startServer } from '../../demo/programs.ts'
import { sampleClient } from '../../demo/sample-client.ts'
import { agentQueue, agentStatus, cardsOnServer, eventually, temporaryFolder } from '../lobby.ts'
import { bootMachine, createDisk, hostAddress, type Machine, type SerialPlug } from './machine/machine.ts'
import { startAgentIn, type AgentInMachine } from './machine/product.ts'
import { gatherSupplies, type Supplies } from './machine/supplies.ts'

const kiosks = 2
const cutsOfEach = 10
const reader = 'serial-line:/dev/serial/by-id/usb-QEMU_QEMU_USB_SERIAL_reader-1-if00-port0'
/** Taps go on for at most this long before the cut, in milliseconds. */
const loadMs = 2_500

/** One lobby machine, through all of its power cuts: a disk, and who taps at it. */
class Kiosk {
  readonly #supplies: Supplies
  readonly #disk: string
  readonly #serverPort: string
  #nextCard: number
  /** Cards that a client was told are saved, and the registrations they were saved as. */
  readonly saved = new Map<string, string>()

  constructor(supplies: Supplies, folder: string, serverUrl: string, firstCard: number) {
    this.#supplies = supplies
    this.#disk = createDisk(folder)
    this.#serverPort = new URL(serverUrl).port
    this.#nextCard = firstCard
  }

  /** Switches the machine on; root runs the agent, for whom nothing has to be installed. `live` is what happens until it is switched off. */
  async life(live: (machine: Machine, agent: AgentInMachine) => Promise<void>): Promise<void> {
    await using machine = await bootMachine(this.#supplies, this.#disk)
    const server = `http://${hostAddress}:${this.#serverPort}`
    await using agent = await startAgentIn(
      machine,
      ['--server-url', server, '--insecure-http', '--reader', reader],
      { as: (command) => command },
    )
    await live(machine, agent)
  }

  async tapUntilCut(machine: Machine, { data }: AgentInMachine): Promise<void> {
    const plug = await machine.plugSerial(1)
    await eventually(async () => (await agentStatus(data)).readers[0]?.state === 'ready')
    let isCut = false
    const taps = (async () => {
      while (!isCut) await this.#tapOnce(data, plug)
    })().catch((error: unknown) => {
      // The cut breaks the calls off; anything else is a failure.
      if (!isCut) throw error
    })
    await Promise.race([taps, delay(Math.random() * loadMs)])
    isCut = true
    await machine.cutPower()
    await taps
  }

  /** What was called saved before the cut is in the outbox after it, once. */
  async expectNothingLost({ data }: AgentInMachine): Promise<void> {
    const ids = (await agentQueue(data)).map(({ id }) => id)
    expect([...this.saved.values()].filter((id) => !ids.includes(id))).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
  }

  async #tapOnce(data: string, plug: SerialPlug): Promise<void> {
    const card = (this.#nextCard++).toString(16).toUpperCase()
    const waiting = Promise.withResolvers<undefined>()
    const isSaved = new AbortController()
    const onEvent = (event: unknown): void => {
      const { state, registrationId } = event as Outcome
      if (state === 'saved') {
        this.saved.set(card, registrationId ?? '')
        isSaved.abort()
      } else waiting.resolve(undefined)
    }
    const params = { client: sampleClient(this.#nextCard), timeoutMs: 60_000, wait: true }
    const options = { onEvent, signal: isSaved.signal }
    const answered = call(socketPath(data), 'enroll.start', params, options).catch((error: unknown) => {
      // Whoever has heard that it is saved does not stay for the server's word.
      if (!isSaved.signal.aborted) throw error
    })
    await Promise.race([waiting.promise, answered])
    plug.write(`${card}\r\n`)
    await answered
  }
}

test(
  `${String(kiosks * cutsOfEach)} power cuts lose no tap that was called saved, and double none`,
  { timeout: 900_000 },
  async () => {
    using folder = temporaryFolder('power-cuts')
    using supplies = gatherSupplies()
    const serverData = join(folder.path, 'server')
    await using server = await startServer(serverData, { args: ['--vlt-rate-limit', '1000000'] })
    const saved = new Map<string, string>()
    let accepted = 0

    await Promise.all(
      Array.from({ length: kiosks }, async (_, index) => {
        using ownFolder = temporaryFolder('kiosk')
        await using network = new CuttableNetwork(server.url)
        await network.join()
        const kiosk = new Kiosk(supplies, ownFolder.path, network.url, 0x10000000 * (index + 1))
        for (let cut = 0; cut < cutsOfEach; cut += 1) {
          // Half the time without a network, so that cuts hit a backlog as well as a delivery.
          await (Math.random() < 0.5 ? network.cut() : network.join())
          await kiosk.life(async (machine, agent) => {
            await kiosk.expectNothingLost(agent)
            await kiosk.tapUntilCut(machine, agent)
          })
        }
        await network.join()
        await kiosk.life(async (_machine, agent) => {
          await kiosk.expectNothingLost(agent)
          await eventually(async () => (await agentStatus(agent.data)).queue.pending === 0, 120_000)
          const { queue } = await agentStatus(agent.data)
          expect(queue.deadLetters).toBe(0)
          accepted += queue.delivered
        })
        for (const [card, id] of kiosk.saved) saved.set(card, id)
      }),
    )

    await server.stop()
    const stored = cardsOnServer(serverData)
    const uids = new Set(stored.map(({ uid }) => uid))
    console.log(
      `${String(kiosks * cutsOfEach)} power cuts: ${String(saved.size)} taps called saved, ` +
        `${String(accepted)} accepted in all, ${String(stored.length)} cards on the server`,
    )
    expect(saved.size).toBeGreaterThan(kiosks * cutsOfEach)
    expect([...saved.keys()].filter((card) => !uids.has(card))).toEqual([])
    expect(stored).toHaveLength(accepted)
    expect(uids.size).toBe(stored.length)
    expect(new Set(stored.map(({ client_id }) => client_id)).size).toBe(stored.length)
    expect(stored.filter(({ consents }) => consents !== 3)).toEqual([])
  },
)
