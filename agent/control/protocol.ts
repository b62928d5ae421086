/**
 * The control socket: `agent.sock` in the data folder, which only the agent's user can enter. One connection carries
 * one call, as lines of JSON:
 *
 *   -> {"method": "...", "params": {...}}
 *   <- {"event": ...}      any number of times
 *   <- {"result": ...}  or  {"error": {"code", "message", "fields"}}
 *
 * Closing the connection early cancels the call.
 */
import { join } from 'node:path'
import type { ErrorCode, FieldComplaint } from '../../shared/errors.ts'

export interface Call {
  method: string
  params: unknown
}

export type Reply =
  | { event: unknown }
  | { result: unknown }
  | { error: { code: ErrorCode | 'bug'; message: string; fields: FieldComplaint[] } }

export function socketPath(dataFolder: string): string {
  return join(dataFolder, 'agent.sock')
}

/** Longest path the kernel takes for a Unix socket, in bytes (unix(7)). */
export const maxSocketPathBytes = 107
