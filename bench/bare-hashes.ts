/** The baseline of sign-ups as a program of its own: so many hashes at the server's cost, one in flight per core. */
import { argon2, randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { cost } from '../server/security/passwords.ts'

const derive = promisify(argon2)
const latencies: number[] = []
let left = Number(process.argv[2])

async function work(): Promise<void> {
  while (left-- > 0) {
    const before = performance.now()
    await derive('argon2id', { message: 'securePass123', nonce: randomBytes(16), tagLength: 32, ...cost })
    latencies.push(performance.now() - before)
  }
}

const begun = performance.now()
await Promise.all(Array.from({ length: availableParallelism() }, work))
console.log(JSON.stringify({ elapsedMs: performance.now() - begun, latencies }))
