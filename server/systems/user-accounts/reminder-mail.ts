import type { Mail } from '../../mail/mailbox.ts'
import { inSpanish } from './calendar.ts'
import type { Person } from './person.ts'

/** Tells a person that the licence ends on a day, in so many days. */
export function reminderMail(person: Person, expiresOn: string, daysLeft: number): Mail {
  const when = daysLeft === 0 ? 'hoy' : daysLeft === 1 ? 'mañana' : `en ${String(daysLeft)} días`
  const lines = [
    `Hola, ${person.usuarioNombre}:`,
    `Su licencia de conducir vence ${when}, el ${inSpanish(expiresOn)}.`,
    'Si ya la renovó, no tiene que hacer nada.',
    'Este es un aviso automático; no responda a este correo.',
  ]
  return {
    to: person.usuarioCorreo,
    subject: `Su licencia de conducir vence ${when}`,
    text: `${lines.join('\n\n')}\n`,
    html: `<!doctype html>\n<html lang="es">\n<meta charset="utf-8">\n<body>\n${lines
      .map((line) => `<p>${escaped(line)}</p>`)
      .join('\n')}\n</body>\n</html>\n`,
  }
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
