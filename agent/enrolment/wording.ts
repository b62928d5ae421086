/** What a clerk reads while enrolling. Spanish first; technical talk stays English, with its error codes. */
import type { Language } from '../config.ts'
import type { System } from '../outbox/registration.ts'
import type { Outcome } from './registrar.ts'

interface Wording {
  outcomes: Record<Outcome['state'], string>
  /** Where a system has more to say. */
  outcomesOf: Partial<Record<System, Partial<Record<Outcome['state'], string>>>>
  /** Where the person goes on, behind it the address. */
  link: string
  /** A phone, or a card that makes up its number. */
  random: string
  /** The same of a number that was typed. */
  randomCard: string
  waiting: (seconds: number) => string
  again: string
  differ: string
  optional: string
  yesNo: string
  yes: RegExp
  no: RegExp
  card: string
  notStored: string
  missing: string
}

export const wordings: Record<Language, Wording> = {
  es: {
    outcomes: {
      saved: 'Guardado en este equipo. El servidor aún no lo confirmó; se enviará solo.',
      registered: 'Registrado. El servidor lo confirmó.',
      duplicate: 'Esta tarjeta ya estaba registrada. No se cambió nada.',
      unconfirmed:
        'El servidor ya lo tiene: lo más probable es que sea de un envío anterior cuya respuesta se perdió. Compruébelo.',
      rejected: 'No se registró.',
    },
    outcomesOf: {
      'digital-registry': {
        registered: 'Registro creado.',
        unconfirmed: 'El registro ya se hizo, pero su enlace se perdió: regístrelo de nuevo para tener uno.',
      },
      'user-accounts': {
        registered: 'Cuenta creada. La persona ya puede iniciar sesión con su contraseña.',
        unconfirmed:
          'Ya existe una cuenta con este usuario o correo: lo más probable es que sea esta misma, de un envío ' +
          'cuya respuesta se perdió. Compruébelo: que la persona inicie sesión.',
        rejected: 'No se creó la cuenta.',
      },
    },
    link: 'Enlace para la persona (vale 30 días):',
    randomCard:
      'un UID de 4 bytes que empieza con 08 es inventado por un teléfono: use el de la tarjeta misma. No se guardó nada.',
    random:
      'Eso es un teléfono, o una tarjeta cuyo número cambia cada vez: use la tarjeta misma, no el teléfono. ' +
      'Los datos siguen esperando la tarjeta.',
    waiting: (seconds) => `Acerque la tarjeta al lector (${String(seconds)} s)…`,
    again: 'Otra vez, para comprobar',
    differ: '  No coinciden: escríbala de nuevo.',
    optional: 'opcional, Enter para omitir',
    yesNo: 's/n',
    yes: /^(s|si|sí|y|yes|1|true)$/i,
    no: /^(n|no|0|false)$/i,
    card: 'el UID de una tarjeta son 4 a 10 bytes en hexadecimal, por ejemplo A0C2BBCA',
    notStored: 'No se guardó nada. Corrija estos campos:',
    missing: 'Faltan datos y no hay a quién preguntar (--no-input o sin terminal):',
  },
  en: {
    outcomes: {
      saved: 'Saved on this machine. The server has not confirmed it yet; it is sent by itself.',
      registered: 'Registered. The server confirmed it.',
      duplicate: 'This card was registered before. Nothing was changed.',
      unconfirmed:
        'The server has it already: most likely from an earlier attempt whose answer was lost. Please check.',
      rejected: 'Not registered.',
    },
    outcomesOf: {
      'digital-registry': {
        registered: 'Registration created.',
        unconfirmed: 'The registration was made, but its link is lost: register again to get one.',
      },
      'user-accounts': {
        registered: 'Account created. The person can log in with their password.',
        unconfirmed:
          'There is an account with this user name or e-mail already: most likely this very one, from an attempt ' +
          'whose answer was lost. Check it: have the person log in.',
        rejected: 'The account was not created.',
      },
    },
    link: 'Link for the person (good for 30 days):',
    randomCard:
      'a 4-byte UID that begins with 08 is made up by a phone: use that of the card itself. Nothing was stored.',
    random:
      'That is a phone, or a card whose number changes each time: use the card itself, not the phone. ' +
      'The data is still waiting for the card.',
    waiting: (seconds) => `Hold the card to the reader (${String(seconds)} s)…`,
    again: 'Once more, to be sure',
    differ: '  They differ: type it again.',
    optional: 'optional, Enter to skip',
    yesNo: 'y/n',
    yes: /^(y|yes|s|si|sí|1|true)$/i,
    no: /^(n|no|0|false)$/i,
    card: 'the UID of a card is 4 to 10 bytes of hex, for example A0C2BBCA',
    notStored: 'Nothing was stored. Correct these fields:',
    missing: 'Data is missing and there is nobody to ask (--no-input, or no terminal):',
  },
}
