import { createHash } from 'node:crypto'
import { createServer } from 'node:net'
import { AppError, nativeCode } from '../../shared/errors.ts'

/**
 * Makes a device ours among all programs that ask here: hidraw lets everybody read along. The lock is an abstract
 * Unix socket (unix(7)): it needs no folder, and the kernel releases it however this process ends.
 *
 * `name` is the device's, whole. Throws `reader-busy`.
 */
export async function lockDevice(name: string): Promise<AsyncDisposable> {
  // The name of a socket is 107 bytes at most; that of a device is longer behind a few hubs.
  const path = `\0vlt-kiosk/${createHash('sha256').update(name).digest('hex')}`
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const code = nativeCode(cause) === 'EADDRINUSE' ? 'reader-busy' : 'reader-failed'
      reject(new AppError(code, `cannot lock ${name}`, { cause }))
    })
    server.listen({ path, exclusive: true }, resolve)
  })
  let released: Promise<void> | undefined
  return {
    [Symbol.asyncDispose]() {
      released ??= new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
      })
      return released
    },
  }
}
