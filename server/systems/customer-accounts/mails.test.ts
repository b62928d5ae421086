import { describe, expect, test } from 'vitest'
import type { Mail } from '../../mail/mailbox.ts'
import { accountMail, codeMail, knownAddressMail } from './mails.ts'

const to = 'juan.perez@example.com'
const all: [string, (nombres: string) => Mail][] = [
  ['with a code', (nombres) => codeMail(to, nombres, '012345', 10)],
  ['to the owner of an account', () => knownAddressMail(to)],
  ['of a new account', (nombres) => accountMail(to, nombres)],
]

/** What a person reads of the page. */
function words(html: string): string {
  return html
    .replace(/^[\s\S]*<\/h1>/, '')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&#39;', "'")
    .replace(/\s+/g, ' ')
    .trim()
}

describe.each(all)('the mail %s', (_name, mail) => {
  test('goes to the address alone and says the same as text and as a page', () => {
    const found = mail("D'Artagnan Pérez")
    expect(found.to).toBe(to)
    expect(words(found.html)).toBe(found.text.replace(/\s+/g, ' ').trim())
    expect(found.html).toContain(`<title>${found.subject}</title>`)
    expect(found.html).toContain('<html lang="es">')
  })

  test('tells what to do if it was somebody else', () => {
    expect(mail('Juan').text).toMatch(/Si no fue usted/)
  })

  test('loads nothing and links nowhere', () => {
    expect(mail('Juan').html).not.toMatch(/https?:|src=|href=|url\(|<script/i)
  })
})

test('the code stands alone on its line and large on the page, and not in the subject', () => {
  const { subject, text, html } = codeMail(to, 'Juan Pérez', '012345', 10)
  expect(text.split('\n')).toContain('    012345')
  expect(/<p style="[^"]*font: 700 34px[^"]*">012345<\/p>/.test(html)).toBe(true)
  expect(text).toContain('vence en 10 minutos')
  expect(subject).not.toContain('012345')
})

test('the owner of an account gets no code', () => {
  expect(knownAddressMail(to).text).not.toMatch(/\d/)
})

describe('the greeting', () => {
  test.for<[string, string]>([
    ['Juan Pérez', 'Hola, Juan:'],
    ['María-José Ñáñez', 'Hola, María-José:'],
    ["O'Higgins", "Hola, O'Higgins:"],
    ['http://premios.example Gane', 'Hola:'],
    ['premios.example', 'Hola:'],
    ['Gane$1000', 'Hola:'],
    ['<b>Juan</b>', 'Hola:'],
    ['x'.repeat(31), 'Hola:'],
    ['-- Juan', 'Hola:'],
  ])('of %s is %s', ([nombres, greeting]) => {
    for (const { text } of [codeMail(to, nombres, '012345', 10), accountMail(to, nombres)]) {
      expect(text.split('\n')[0]).toBe(greeting)
    }
  })

  test('is escaped on the page', () => {
    expect(accountMail(to, "O'Higgins").html).toContain('Hola, O&#39;Higgins:')
  })
})
