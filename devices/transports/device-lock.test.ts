import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { lockDevice } from './device-lock.ts'

let locks = 0
const unique = (): string => `/sys/devices/test/${String(process.pid)}/${String((locks += 1))}`
const busy = { code: 'reader-busy' }

test('one device has one lock, another device another', async () => {
  const name = unique()
  const lock = await lockDevice(name)
  await expect(lockDevice(name)).rejects.toMatchObject(busy)
  await using other = await lockDevice(unique())
  expect(other).toBeDefined()
  await Promise.all([lock[Symbol.asyncDispose](), lock[Symbol.asyncDispose]()])
  await (await lockDevice(name))[Symbol.asyncDispose]()
})

test('a lock of another process holds, and ends with it however it ends', async () => {
  const name = unique()
  const program = `const { lockDevice } = await import(${JSON.stringify(import.meta.resolve('./device-lock.ts'))})
    await lockDevice(${JSON.stringify(name)})
    console.log('locked')
    setInterval(() => {}, 1_000)`
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(holder, 'exit')
  try {
    await Promise.race([once(holder.stdout, 'data'), exited])
    await expect(lockDevice(name)).rejects.toMatchObject(busy)
  } finally {
    holder.kill('SIGKILL')
    await exited
  }
  await (await lockDevice(name))[Symbol.asyncDispose]()
})

test('whoever connects to the lock is sent away, and does not keep it', async () => {
  const name = unique()
  const lock = await lockDevice(name)
  const caller = connect(`\0vlt-kiosk/${createHash('sha256').update(name).digest('hex')}`)
  caller.resume()
  await once(caller, 'close')
  await lock[Symbol.asyncDispose]()
  await (await lockDevice(name))[Symbol.asyncDispose]()
})
