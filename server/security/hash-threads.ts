import type { Argon2Parameters } from 'node:crypto'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { HashAnswer } from './hash-thread.ts'

export interface HashThreads extends AsyncDisposable {
  /** An argon2id hash, from the thread that has the least to do. Throws what `node:crypto` throws. */
  derive(parameters: Argon2Parameters): Promise<Buffer>
}

interface Thread {
  worker: Worker
  /** In the order in which the thread answers. */
  asked: PromiseWithResolvers<Buffer>[]
}

const script = new URL(`./hash-thread${extname(import.meta.url)}`, import.meta.url)

/**
 * As many threads as may hash at once, started when first needed. Not the threads of `crypto.argon2`: those also look
 * up names and write files, and wait for the event loop, which a flush to disk holds up, before they begin the next.
 */
export function createHashThreads(count: number): HashThreads {
  const threads: Thread[] = []
  let over = false

  const start = (): Thread => {
    const thread: Thread = { worker: new Worker(script), asked: [] }
    const settle = (answer: HashAnswer): void => {
      const first = thread.asked.shift()
      // An idle thread does not keep the program from ending.
      if (thread.asked.length === 0) thread.worker.unref()
      if ('hash' in answer) first?.resolve(Buffer.from(answer.hash))
      else first?.reject(answer.error)
    }
    thread.worker.on('message', settle)
    thread.worker.on('error', (error) => {
      settle({ error })
    })
    thread.worker.on('exit', () => {
      threads.splice(threads.indexOf(thread), 1)
      while (thread.asked.length > 0) settle({ error: new Error('a thread ended before it had hashed') })
    })
    threads.push(thread)
    return thread
  }

  const pick = (): Thread => {
    const [least] = threads.toSorted((a, b) => a.asked.length - b.asked.length)
    return least === undefined || (least.asked.length > 0 && threads.length < count) ? start() : least
  }

  return {
    derive(parameters) {
      if (over) return Promise.reject(new Error('hashing has ended'))
      const { worker, asked } = pick()
      const answer = Promise.withResolvers<Buffer>()
      asked.push(answer)
      worker.ref()
      worker.postMessage(parameters)
      return answer.promise
    },
    async [Symbol.asyncDispose]() {
      over = true
      await Promise.all(threads.map(({ worker }) => worker.terminate()))
    },
  }
}
