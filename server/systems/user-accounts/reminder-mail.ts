import type { Mail } from '../../mail/mailbox.ts'
import { inSpanish } from './calendar.ts'

/**
 * Tells whoever reads this address that a licence ends on a day, in so many days. Not a word in it comes from the
 * registration: nobody has proven that the address is theirs, and strangers must not write mails through this server.
 */
export function reminderMail(to: string, expiresOn: string, daysLeft: number): Mail {
  const when = daysLeft === 0 ? 'hoy' : daysLeft === 1 ? 'mañana' : `en ${String(daysLeft)} días`
  const lines = [
    'Hola:',
    `Su licencia de conducir vence ${when}, el ${inSpanish(expiresOn)}.`,
    'Si ya la renovó, no tiene que hacer nada.',
    'Recibe este aviso automático porque esta dirección se indicó al registrar una cuenta; no responda a este correo.',
  ]
  return {
    to,
    subject: `Su licencia de conducir vence ${when}`,
    text: `${lines.join('\n\n')}\n`,
    html: `<!doctype html>\n<html lang="es">\n<meta charset="utf-8">\n<body>\n${lines
      .map((line) => `<p>${line}</p>`)
      .join('\n')}\n</body>\n</html>\n`,
  }
}
