import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { connectWhenThere } from './control.ts'

/** QEMU's machine protocol (https://qemu.org/docs/master/interop/qmp-spec.html): keys and hot-plug. */
export interface Qmp extends Disposable {
  /** Rejects with QEMU's own words when it refuses. */
  execute(command: string, args?: Record<string, unknown>): Promise<unknown>
}

interface Answer {
  id?: number
  return?: unknown
  error?: { desc: string }
}

export async function openQmp(path: string): Promise<Qmp> {
  const socket: Socket = await connectWhenThere(path)
  socket.on('error', () => undefined)
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let next = 1
  createInterface({ input: socket }).on('line', (line) => {
    const { id = 0, error, return: value } = JSON.parse(line) as Answer
    const answer = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) answer?.resolve(value)
    else answer?.reject(new Error(error.desc))
  })
  const execute: Qmp['execute'] = (command, args) => {
    const id = next++
    const answer = Promise.withResolvers<unknown>()
    waiting.set(id, answer)
    socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
    return answer.promise
  }
  await execute('qmp_capabilities')
  return { execute, [Symbol.dispose]: () => void socket.destroy() }
}
