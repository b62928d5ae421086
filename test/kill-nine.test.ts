import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { call } from '../agent/control/client.ts'
import { socketPath } from '../agent/control/protocol.ts'
import type { Outcome } from '../agent/enrolment/registrar.ts'
import { CuttableNetwork } from '../demo/cuttable-network.ts'
import { startAgent, startServer } from '../demo/programs.ts'
import { sampleClient } from '../demo/sample-client.ts'
import { agentStatus, cardsOnServer, eventually, temporaryFolder } from './lobby.ts'

/** A large run has 10,000 (`npm run crash -- --kills 10000`). */
const kills = Number(process.env['KILLS'] ?? 500)
/** Taps go on for at most this long before the kill, in milliseconds; long enough for sends and answers to be hit. */
const loadMs = 250

test(
  `an agent killed at ${String(kills)} random moments loses no tap that it called saved, and doubles none`,
  { timeout: 14_400_000 },
  async () => {
    using folder = temporaryFolder('kill-nine')
    const agentData = join(folder.path, 'agent')
    const serverData = join(folder.path, 'server')
    const socket = socketPath(agentData)
    await using server = await startServer(serverData, { args: ['--vlt-rate-limit', '1000000'] })
    await using network = new CuttableNetwork(server.url)
    await network.join()
    const agentOptions = { args: ['--server-url', network.url, '--reader', 'simulated:lobby'] }

    let nextCard = 0x10000000
    const answeredAsSaved = new Set<string>()

    /** One client enrols and taps; the card counts from the moment the agent has said that it is saved. */
    async function tapOnce(): Promise<void> {
      const card = (nextCard++).toString(16).toUpperCase()
      const waiting = Promise.withResolvers<undefined>()
      const saved = new AbortController()
      const onEvent = (event: unknown): void => {
        const { state } = event as Outcome
        if (state === 'saved') {
          answeredAsSaved.add(card)
          saved.abort()
        } else waiting.resolve(undefined)
      }
      const params = { client: sampleClient(nextCard), timeoutMs: 60_000, wait: true }
      const answered = call(socket, 'enroll.start', params, { onEvent, signal: saved.signal }).catch(
        (error: unknown) => {
          // Whoever has heard that it is saved does not stay for the server's word.
          if (!saved.signal.aborted) throw error
        },
      )
      await Promise.race([waiting.promise, answered])
      await call(socket, 'reader.simulate', { action: { kind: 'tap', text: card } })
      await answered
    }

    // Only a program that ends by itself leaves its compiled code to the next ones.
    await (await startAgent(agentData, agentOptions)).stop()
    for (let kill = 0; kill < kills; kill++) {
      // Half the time without a network, so that kills hit a backlog as well as a delivery.
      await (Math.random() < 0.5 ? network.cut() : network.join())
      await using agent = await startAgent(agentData, agentOptions)
      const dead = once(agent.child, 'exit')
      let isDead = false
      const taps = (async () => {
        while (!isDead) await tapOnce()
      })().catch((error: unknown) => {
        // The kill breaks the calls off; anything else is a failure.
        if (!isDead && agent.child.signalCode === null && !agent.child.killed) throw error
      })
      await delay(Math.random() * loadMs)
      agent.child.kill('SIGKILL')
      await dead
      isDead = true
      await taps
      if (kill % 500 === 499) console.log(`${String(kill + 1)} kills`)
    }

    await network.join()
    await using agent = await startAgent(agentData, agentOptions)
    await eventually(async () => (await agentStatus(agentData)).queue.pending === 0, 120_000)
    const { queue } = await agentStatus(agentData)
    await agent.stop()
    await server.stop()

    const stored = cardsOnServer(serverData)
    const uids = new Set(stored.map(({ uid }) => uid))
    console.log(
      `${String(kills)} kills: ${String(answeredAsSaved.size)} taps answered as saved, ` +
        `${String(queue.delivered)} accepted in all, ${String(stored.length)} cards on the server`,
    )
    expect(answeredAsSaved.size).toBeGreaterThan(kills)
    expect([...answeredAsSaved].filter((card) => !uids.has(card))).toEqual([])
    expect(queue).toMatchObject({ pending: 0, deadLetters: 0, delivered: stored.length })
    expect(uids.size).toBe(stored.length)
    expect(new Set(stored.map(({ client_id }) => client_id)).size).toBe(stored.length)
    expect(stored.filter(({ consents }) => consents !== 3)).toEqual([])
  },
)
