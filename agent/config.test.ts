import { expect, test } from 'vitest'
import { loadConfig } from '../shared/config.ts'
import { agentConfig, envPrefix } from './config.ts'

const load = (flags: Record<string, unknown>, env: Record<string, string> = {}) =>
  loadConfig(agentConfig, { flags, env, envPrefix })

test('flags go before the environment, the environment before defaults', () => {
  const config = load(
    { pagePort: '0' },
    { VLT_AGENT_PAGE_PORT: '9', VLT_AGENT_READER: 'simulated:a,simulated:b' },
  )
  expect(config).toMatchObject({
    pagePort: 0,
    data: 'var/agent',
    language: 'es',
    reader: ['simulated:a', 'simulated:b'],
  })
})

test.each([
  'https://api.example.com',
  'http://127.0.0.1:8080',
  'http://localhost:8080',
  'http://[::1]:8080',
  'https://x/base/',
])('%s is a server', (serverUrl) => {
  expect(load({ serverUrl }).serverUrl).toBe(serverUrl)
})

test.each([
  'api.example.com',
  'ftp://x',
  'https://user:secret@x',
  'https://x?a=1',
  'http://10.0.0.5:8080',
  'http://127.evil.example',
])('%s is none', (serverUrl) => {
  expect(() => load({ serverUrl })).toThrow(expect.objectContaining({ code: 'config-invalid' }))
})

test('a password in an address is not repeated in the error', () => {
  expect(() => load({ serverUrl: 'https://user:secret@x' })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('secret') as unknown }),
  )
  expect(() => load({ serverUrl: 'https://:secret@x' })).toThrow()
})

test('plain http across a network needs an explicit word', () => {
  expect(load({ serverUrl: 'http://10.0.0.5:8080', insecureHttp: true }).insecureHttp).toBe(true)
})

test('every wrong setting is named, with its value, rule and source', () => {
  expect(() => load({ pagePort: '70000', language: 'fr' }, { VLT_AGENT_LOG_LEVEL: 'loud' })).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(
        /--page-port: must be a whole number from 0 to 65535 \("70000", from --page-port\)\n.*--language: must be es or en \("fr", from --language\)\n.*--log-level: must be one of debug, info, warn, error, fatal \("loud", from VLT_AGENT_LOG_LEVEL\)/,
      ) as unknown,
    }),
  )
})
