import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startServer } from '../child-server.testing.ts'
import { send } from '../testbed.testing.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

test('a line names the request, and what its sender calls it where that can say nothing else', async () => {
  const data = mkdtempSync(join(tmpdir(), 'vlt-log-'))
  const server = await startServer(['serve', '--port', '0', '--data', data, '--drain-ms', '0'])
  onTestFinished(async () => {
    server.process.kill('SIGKILL')
    await server.ended
    rmSync(data, { recursive: true, force: true })
  })
  const theirs = '1b4e28ba-2fa1-11d2-883f-0016d3cca427'
  for (const id of [theirs, 'juan.perez@example.com', `${theirs} x`, '']) {
    const headers = { 'x-request-id': id, 'request-id': 'mine' }
    await send(server.port ?? 0, { method: 'GET', path: '/health/live', headers })
  }
  server.process.kill('SIGTERM')
  await server.ended
  const lines = server
    .stderr()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === 'request')
  expect(lines.map(({ clientRequestId }) => clientRequestId)).toEqual([
    theirs,
    undefined,
    undefined,
    undefined,
  ])
  const ids = lines.map(({ requestId }) => String(requestId))
  expect(new Set(ids).size).toBe(4)
  expect(ids.every((id) => uuid.test(id) && id !== theirs)).toBe(true)
})
