import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { Prompt } from './prompt.ts'

function terminal(): { input: PassThrough; output: PassThrough; shown: () => string; prompt: Prompt } {
  const input = new PassThrough()
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
  let shown = ''
  output.setEncoding('utf8').on('data', (text: string) => (shown += text))
  return { input, output, shown: () => shown, prompt: new Prompt(input, output) }
}

test('a hidden answer is not shown, the question and other answers are', async () => {
  const { input, shown, prompt } = terminal()
  const hidden = prompt.askHidden('Contraseña: ')
  for (const key of 'secreta\r') input.write(key)
  expect(await hidden).toBe('secreta')
  const open = prompt.ask('Nombres: ')
  for (const key of 'Ana\r') input.write(key)
  expect(await open).toBe('Ana')
  expect(shown()).not.toMatch(/s.?e.?c.?r.?e/)
  expect(shown()).toContain('Contraseña: ')
  expect(shown()).toMatch(/Nombres: .*A.*n.*a/s)
  prompt[Symbol.dispose]()
})

test('the arrow keys bring back no earlier answer', async () => {
  const { input, prompt } = terminal()
  input.write('secreta\r')
  await prompt.askHidden('Contraseña: ')
  const next = prompt.ask('Nombres: ')
  input.write('\u001b[A')
  input.write('\r')
  expect(await next).toBe('')
  prompt[Symbol.dispose]()
})

test('the end of the input interrupts', async () => {
  const { input, prompt } = terminal()
  input.end()
  await expect(prompt.ask('Nombres: ')).rejects.toMatchObject({ code: 'interrupted' })
})
