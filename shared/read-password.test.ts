import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { readPassword, type Terminal } from './read-password.ts'

interface FakeTerminal extends Terminal {
  stdin: PassThrough & { isTTY?: boolean }
  errorStream: PassThrough
  /** Everything that was shown. */
  shown(): Promise<string>
}

/** A terminal on which `typed` is typed. */
function terminal(typed: string, isTTY = true, stop = new AbortController().signal): FakeTerminal {
  const stdin = Object.assign(new PassThrough(), { isTTY })
  const errorStream = new PassThrough()
  stdin.write(typed)
  return {
    stdin,
    errorStream,
    stop,
    shown: () => {
      errorStream.end()
      return text(errorStream)
    },
  }
}

const enter = '\r'

test('a person types the password twice and never sees it', async () => {
  const screen = terminal(`clave ñ 12345${enter}clave ñ 12345${enter}`)
  expect(await readPassword(undefined, screen)).toBe('clave ñ 12345')
  expect(await screen.shown()).toBe('Password: \nPassword again: \n')
})

test('what was typed wrong can be taken back', async () => {
  const screen = terminal(`clavx\x7fe${enter}clave${enter}`)
  expect(await readPassword(undefined, screen)).toBe('clave')
})

test('two different passwords are refused', async () => {
  const screen = terminal(`one${enter}other${enter}`)
  await expect(readPassword(undefined, screen)).rejects.toMatchObject({ code: 'input-invalid' })
  expect(await screen.shown()).not.toContain('one')
})

test.for<[string, string]>([
  ['Ctrl-C', '\x03'],
  ['Ctrl-D', '\x04'],
  ['Ctrl-C at the second question', `one${enter}\x03`],
])('%s interrupts', async ([, typed]) => {
  await expect(readPassword(undefined, terminal(typed))).rejects.toMatchObject({ code: 'interrupted' })
})

test('a signal interrupts', async () => {
  const stop = new AbortController()
  const answer = readPassword(undefined, terminal('half', true, stop.signal))
  stop.abort()
  await expect(answer).rejects.toMatchObject({ code: 'interrupted' })
})

test('without a terminal nobody is asked', async () => {
  const screen = terminal(`one${enter}one${enter}`, false)
  await expect(readPassword(undefined, screen)).rejects.toMatchObject({ code: 'password-missing' })
  expect(await screen.shown()).toBe('')
})

test.for<[string, string]>([
  ['clave', 'clave'],
  ['clave\n', 'clave'],
  ['clave\r\n', 'clave'],
  [' clave \n', ' clave '],
  ['', ''],
])('%j, from a file and from standard input, is %j', async ([content, password]) => {
  const folder = mkdtempSync(join(tmpdir(), 'vlt-password-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  const file = join(folder, 'password')
  writeFileSync(file, content)
  expect(await readPassword(file, terminal(''))).toBe(password)
  const piped = terminal(content, false)
  piped.stdin.end()
  expect(await readPassword('-', piped)).toBe(password)
})

test('a file of several lines is no password', async () => {
  for (const content of ['one\ntwo', 'one\n\n', '\none']) {
    const piped = terminal(content, false)
    piped.stdin.end()
    await expect(readPassword('-', piped)).rejects.toMatchObject({ code: 'password-unreadable' })
  }
})
