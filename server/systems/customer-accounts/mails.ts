import type { Mail } from '../../mail/mailbox.ts'

/** The mails of this system, for people who may have asked for nothing: Spanish, text and HTML with the same words. */

export function codeMail(to: string, nombres: string, code: string, minutes: number): Mail {
  return compose(to, 'Su código de verificación', [
    greeting(nombres),
    'Este es el código para verificar su correo electrónico y continuar con su registro:',
    { code },
    `El código vence en ${String(minutes)} minutos y sirve una sola vez. No lo comparta con nadie: nuestro personal nunca se lo pedirá.`,
    'Si no fue usted quien lo solicitó, ignore este mensaje: sin el código nadie puede registrarse con su correo.',
  ])
}

/** For an address that has an account already: whoever asked learns nothing of it, only its owner does. */
export function knownAddressMail(to: string): Mail {
  return compose(to, 'Usted ya tiene una cuenta', [
    'Hola:',
    'Alguien pidió registrarse con este correo electrónico, pero usted ya tiene una cuenta con él.',
    'Si fue usted, no necesita registrarse de nuevo: inicie sesión con su correo y su contraseña.',
    'Si no fue usted, no necesita hacer nada: su cuenta no ha cambiado y quien lo intentó no recibió ningún dato suyo.',
  ])
}

export function accountMail(to: string, nombres: string): Mail {
  return compose(to, 'Su cuenta fue creada', [
    greeting(nombres),
    'Su registro está completo. Ya puede iniciar sesión con este correo electrónico y la contraseña que eligió.',
    'Si no fue usted quien completó el registro, avise cuanto antes a nuestro personal para que cierre la cuenta.',
  ])
}

/**
 * The first name, where it looks like one. Whoever starts a registration writes it, and the mail goes to whomever
 * they name: it must not carry a stranger's message.
 */
function greeting(nombres: string): string {
  const [first = ''] = nombres.split(' ', 1)
  return /^\p{L}[\p{L}\p{M}'’-]{0,29}$/u.test(first) ? `Hola, ${first}:` : 'Hola:'
}

type Paragraph = string | { code: string }

function compose(to: string, subject: string, paragraphs: Paragraph[]): Mail {
  const text = paragraphs.map((part) => (typeof part === 'string' ? part : `    ${part.code}`)).join('\n\n')
  return { to, subject, text: `${text}\n`, html: page(subject, paragraphs.map(htmlOf).join('\n')) }
}

// Styles stand in the elements, and the frame is a table: what mail programs understand.
const sans = "font-family: 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

function htmlOf(part: Paragraph): string {
  if (typeof part === 'string') return `<p style="margin: 0 0 16px">${escapeHtml(part)}</p>`
  return (
    '<p style="margin: 8px 0 24px; padding: 16px; background: #f1f4f8; border-radius: 8px; text-align: center; ' +
    `font: 700 34px/40px Consolas, Menlo, monospace; letter-spacing: 8px">${escapeHtml(part.code)}</p>`
  )
}

function page(title: string, content: string): string {
  return `<!DOCTYPE html>
<html lang="es">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
</head>
<body style="margin: 0; padding: 24px 12px; background: #e6eaf0">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width: 520px; background: #ffffff; border-radius: 12px"><tr><td style="padding: 32px; ${sans}; font-size: 16px; line-height: 24px; color: #1c2733">
<h1 style="margin: 0 0 24px; font-size: 22px; line-height: 28px">${escapeHtml(title)}</h1>
${content}
</td></tr></table>
</td></tr></table>
</body>
</html>
`
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
