import type { Language } from '../../config.ts'

/** What a clerk reads on the way to a customer account. */
export interface CustomerWording {
  unfinished: (since: string) => string
  startOver: string
  forgotten: string
  codeSent: (email: string) => string
  code: string
  sixDigits: string
  wrong: (left: number) => string
  expired: string
  usedUp: (at: string) => string
  wait: (seconds: number) => string
  waitUntil: (at: string) => string
  verified: string
  unverified: string
  takenField: string
  correct: string
  away: string
  kept: string
  created: string
  existsAlready: string
  rejected: string
}

export const customerWordings: Record<Language, CustomerWording> = {
  es: {
    unfinished: (since) => `Hay un registro sin terminar en este equipo, empezado el ${since}.`,
    startOver: '¿Borrarlo y empezar otro? [s/n]: ',
    forgotten: 'Se borró lo que estaba escrito.',
    codeSent: (email) => `Se envió un código de 6 cifras a ${email}. Vale 10 minutos.`,
    code: 'Código del correo (Enter para enviar otro): ',
    sixDigits: '  El código son 6 cifras.',
    wrong: (left) =>
      `  El código no es correcto. Intentos que quedan: ${String(left)}. Mire el último correo recibido; Enter envía otro.`,
    expired: '  El código venció: vale 10 minutos. Se pide otro.',
    usedUp: (at) => `  Se acabaron los 5 intentos de este código. Podrá pedir otro a las ${at}.`,
    wait: (seconds) => `  Ya se envió uno hace poco: espere ${String(seconds)} s para pedir otro.`,
    waitUntil: (at) => `Demasiados intentos con este correo. Se podrá seguir desde las ${at}.`,
    verified: 'Correo verificado.',
    unverified: 'La verificación del correo venció (vale 30 minutos): hace falta un código nuevo.',
    takenField: 'ya lo tiene otro cliente',
    correct: 'El servidor no aceptó estos campos:',
    away: 'Este paso necesita el servidor, y ahora no responde como debe.',
    kept:
      'Lo escrito queda guardado 24 horas (sin la contraseña). Siga con:\n' +
      '  vlt-agent register customer-account --resume\nO bórrelo con --forget.',
    created: 'Cuenta creada. El cliente ya puede iniciar sesión con su contraseña.',
    existsAlready:
      'La cuenta ya existe: lo más probable es que sea esta misma, de un envío cuya respuesta se perdió. ' +
      'Compruébelo: que el cliente inicie sesión con la contraseña que escribió entonces.',
    rejected: 'No se creó la cuenta.',
  },
  en: {
    unfinished: (since) => `A registration was begun on this machine on ${since} and not finished.`,
    startOver: 'Erase it and start another? [y/n]: ',
    forgotten: 'What was typed has been erased.',
    codeSent: (email) => `A code of 6 digits was sent to ${email}. It is good for 10 minutes.`,
    code: 'Code in the mail (Enter to send another): ',
    sixDigits: '  The code has 6 digits.',
    wrong: (left) =>
      `  The code is not right. Tries left: ${String(left)}. Look at the last mail; Enter sends another.`,
    expired: '  The code is over: it is good for 10 minutes. Another is asked for.',
    usedUp: (at) => `  The 5 tries of this code are used up. Another can be sent at ${at}.`,
    wait: (seconds) => `  One was sent a moment ago: wait ${String(seconds)} s for another.`,
    waitUntil: (at) => `Too many tries with this address. It can go on from ${at}.`,
    verified: 'Address verified.',
    unverified: 'The verification of the address is over (30 minutes): a new code is needed.',
    takenField: 'another customer has it',
    correct: 'The server refused these fields:',
    away: 'This step needs the server, which does not answer as it should.',
    kept:
      'What was typed is kept for 24 hours (without the password). Go on with:\n' +
      '  vlt-agent register customer-account --resume\nOr erase it with --forget.',
    created: 'Account created. The customer can log in with their password.',
    existsAlready:
      'The account exists already: most likely this very one, from an attempt whose answer was lost. ' +
      'Check it: have the customer log in with the password typed then.',
    rejected: 'The account was not created.',
  },
}
