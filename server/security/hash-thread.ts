/** A thread of hash-threads.ts: hashes what it is sent, one after the other, and answers in that order. */
import { argon2Sync, type Argon2Parameters } from 'node:crypto'
import { parentPort } from 'node:worker_threads'

export type HashAnswer = { hash: Uint8Array } | { error: unknown }

parentPort?.on('message', (parameters: Argon2Parameters) => {
  let answer: HashAnswer
  try {
    answer = { hash: argon2Sync('argon2id', parameters) }
  } catch (error) {
    answer = { error }
  }
  parentPort?.postMessage(answer)
})
