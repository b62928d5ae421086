import { execFile, spawn } from 'node:child_process'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startServer } from '../child-server.testing.ts'
import { openApiDocument } from '../openapi/document.ts'

const program = fileURLToPath(new URL('../cli.ts', import.meta.url))

async function printed(args: string[], env: Record<string, string> = {}): Promise<unknown> {
  const run = await startServer(['openapi', ...args], env)
  expect([await run.ended, run.stderr()]).toEqual([0, ''])
  return JSON.parse(run.stdout())
}

function asServed(publicUrl: string | undefined): unknown {
  return JSON.parse(JSON.stringify(openApiDocument(publicUrl)))
}

test('the document is printed as it is served', async () => {
  expect(await printed([])).toEqual(asServed(undefined))
})

test('the public address comes from where all settings come from', async () => {
  const expected = asServed('https://lobby.example')
  expect(await printed(['--public-url', 'https://lobby.example'])).toEqual(expected)
  expect(await printed([], { VLT_SERVER_PUBLIC_URL: 'https://lobby.example/' })).toEqual(expected)
})

test('a slow reader gets all of it', async () => {
  const pipe = `"${execPath}" "${program}" openapi | { sleep 2; cat; }`
  const { stdout } = await promisify(execFile)('sh', ['-c', pipe], { maxBuffer: 2 ** 24 })
  expect(JSON.parse(stdout)).toEqual(asServed(undefined))
})

test('a reader that goes is no failure', async () => {
  const child = spawn(execPath, [program, 'openapi'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect([code, complaint]).toEqual([0, ''])
})
