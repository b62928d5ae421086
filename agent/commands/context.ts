import type { Command } from 'commander'
import { loadConfig } from '../../shared/config.ts'
import { systemClock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import { createLog, type Log } from '../../shared/log.ts'
import { openCore } from '../agent.ts'
import { agentConfig, envPrefix, type AgentConfig } from '../config.ts'
import { call } from '../control/client.ts'
import { coreOperations } from '../control/operations.ts'
import { socketPath } from '../control/protocol.ts'
import type { ExitCode } from '../exit-codes.ts'
import { outboxFiles } from '../outbox/database.ts'

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

export function logOf(config: AgentConfig): Log {
  return createLog('vlt-agent', config.logLevel)
}

/** Calls the running agent; throws `agent-unreachable` where none runs. */
export function callAgent(
  config: AgentConfig,
  method: string,
  params: Record<string, unknown>,
  options: { onEvent?: (event: unknown) => void; signal?: AbortSignal } = {},
): Promise<unknown> {
  return call(socketPath(config.data), method, params, options)
}

type CoreMethod = keyof ReturnType<typeof coreOperations>

/** The same call, done by this very process on the same outbox while no agent runs. */
export async function callAgentOrOutbox(
  config: AgentConfig,
  terminal: Terminal,
  method: CoreMethod,
  params: Record<string, unknown> = {},
): Promise<unknown> {
  try {
    return await callAgent(config, method, params, { signal: terminal.signal })
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'agent-unreachable') throw error
    // To look into a folder that holds nothing must not make an outbox there: its name is most likely misspelt.
    if (method !== 'enroll.card' && outboxFiles(config.data).length === 0) throw error
  }
  const deliver = method === 'enroll.card'
  await using core = await openCore(config, systemClock, createLog('vlt-agent', 'error'), { deliver })
  const operations = coreOperations(core)
  return await operations[method](params, { signal: terminal.signal, emit: () => undefined })
}
