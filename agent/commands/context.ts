import type { Command } from 'commander'
import { loadConfig } from '../../shared/config.ts'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { createLog } from '../../shared/log.ts'
import { openCore } from '../core.ts'
import { agentConfig, envPrefix, type AgentConfig } from '../config.ts'
import { call, type CallOptions } from '../control/client.ts'
import { coreOperations } from '../control/operations.ts'
import { socketPath } from '../control/protocol.ts'
import type { ExitCode } from '../../shared/exit-codes.ts'
import { thisUser, type Actor } from '../outbox/audit.ts'
import { outboxFiles } from '../outbox/folder.ts'

/** What the composition root lends to commands: the only way they touch the process. */
export interface Terminal {
  env: Record<string, string | undefined>
  stdin: NodeJS.ReadStream
  errorStream: NodeJS.WritableStream
  /** Data, one line or document. */
  print: (text: string) => void
  /** Talk. */
  say: (text: string) => void
  /** Aborts at the first Ctrl-C or SIGTERM. */
  signal: AbortSignal
  exit: (code: ExitCode) => void
  /** This command ends in its own time when told to stop; others are ended after a moment. */
  stopsByItself: () => void
  /** This command works through much and should need little memory for it, at the price of some time. */
  savesMemory: () => void
}

/** Settings of a command: those of its flags, the environment and the file. */
export function settings(command: Command, terminal: Terminal): AgentConfig {
  const flags = command.optsWithGlobals<Record<string, unknown>>()
  const file = flags['config'] ?? terminal.env[`${envPrefix}CONFIG`]
  return loadConfig(agentConfig, {
    flags,
    env: terminal.env,
    envPrefix,
    file: typeof file === 'string' ? file : undefined,
  })
}

/** Who runs this command: for the outbox's audit. */
export function actorOf({ env }: Terminal): Actor {
  const { uid, user } = thisUser()
  const behind = env['SUDO_USER']
  return { uid, user: behind === undefined ? user : `${behind} as ${user}` }
}

/** How long the agent may take for a call that waits for nobody; reading the whole outbox is the longest. */
const answerWithinMs = 60_000

/** Calls the running agent; throws `agent-unreachable` where none runs. */
export function callAgent(
  config: AgentConfig,
  method: string,
  params: Record<string, unknown>,
  options: CallOptions = {},
): Promise<unknown> {
  return call(socketPath(config.data), method, params, { timeoutMs: answerWithinMs, ...options })
}

type CoreMethod = keyof ReturnType<typeof coreOperations>

/** Calls the running agent, or does the same in this process on the same outbox while none runs. */
export interface Operations extends AsyncDisposable {
  /** Does a running agent do it? */
  readonly isAgent: boolean
  ask(
    method: CoreMethod,
    params?: Record<string, unknown>,
    onEvent?: (event: unknown) => void,
    /** How long the operation may wait for the server, beyond the time for its work. */
    waitMs?: number,
  ): Promise<unknown>
}

/**
 * With `make`, an outbox is made where there is none; with `deliver` also emptied for as long as it is open here.
 * Throws `agent-unreachable` where neither an agent nor an outbox is.
 */
export async function reachOutbox(
  config: AgentConfig,
  terminal: Terminal,
  { deliver, make = deliver }: { deliver: boolean; make?: boolean } = { deliver: false },
): Promise<Operations> {
  const { signal } = terminal
  try {
    await callAgent(config, 'ping', {}, { signal, timeoutMs: 5_000 })
    return {
      isAgent: true,
      ask: (method, params = {}, onEvent = () => undefined, waitMs = 0) =>
        callAgent(config, method, params, { signal, onEvent, timeoutMs: answerWithinMs + waitMs }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'agent-unreachable') throw error
    // To look into a folder that holds nothing must not make an outbox there: its name is most likely misspelt.
    if (!make && outboxFiles(config.data).length === 0) throw error
  }
  // Whoever asked has waited long enough: a request in flight is cut, and repeated by the next agent.
  const options = { deliver, stopWithinMs: 0 }
  const core = await openCore(config, systemClock, createLog('vlt-agent', 'error'), options)
  const operations = coreOperations(core)
  return {
    isAgent: false,
    // An operation may throw before it answers with a promise.
    ask: async (method, params = {}, emit = () => undefined) => operations[method](params, { signal, emit }),
    [Symbol.asyncDispose]: () => core[Symbol.asyncDispose](),
  }
}
