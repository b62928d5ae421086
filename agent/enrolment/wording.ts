/** What a clerk reads while enrolling. Spanish first; technical talk stays English, with its error codes. */
import type { Language } from '../config.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { System } from '../outbox/registration.ts'
import type { Outcome } from './registrar.ts'

export interface Wording {
  outcomes: Record<Outcome['state'], string>
  /** Where a system has more to say. */
  outcomesOf: Partial<Record<System, Partial<Record<Outcome['state'], string>>>>
  /** What a clerk does next; other failures are for technicians, with their hint. */
  nextSteps: Partial<Record<ErrorCode, string>>
  list: {
    line: (line: number, problems: string) => string
    more: (rows: number) => string
    sound: (good: number, bad: number) => string
    queued: (added: number, known: number) => string
    rejects: (bad: number, file: string) => string
    cut: (done: number, all: number) => string
    noAgent: string
    faults: {
      empty: string
      cut: string
      quotes: string
      encoding: string
      at: (line: number) => string
      unknown: string
      missing: string
      twice: string
    }
  }
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
    nextSteps: {
      'account-taken':
        'Otra persona ya tiene este usuario o este correo. Regístrela con otro; si es la misma persona, ya tiene su cuenta.',
      'rejected-invalid':
        'El servidor no aceptó los datos: véalos con «vlt-agent queue show», corríjalos y registre de nuevo.',
      'registry-not-configured':
        'A este equipo le falta el usuario del registro digital: avise al técnico. Lo guardado se enviará solo.',
      'registry-refuses-us':
        'El registro digital no acepta el usuario de este equipo: avise al técnico. Lo guardado se enviará solo.',
    },
    list: {
      line: (line, problems) => `línea ${String(line)}: ${problems}`,
      more: (rows) => `… y más filas con problemas: ${String(rows)}.`,
      sound: (good, bad) =>
        `Filas correctas: ${String(good)}; con problemas: ${String(bad)}. No se guardó nada.`,
      queued: (added, known) =>
        (added === 0
          ? 'No hay filas nuevas que guardar.'
          : `Filas guardadas en este equipo: ${String(added)}; se envían solas.`) +
        (known === 0 ? '' : ` Importadas ya antes, no se repiten: ${String(known)}.`),
      rejects: (bad, file) =>
        `Las filas con problemas (${String(bad)}) están en ${file}: corríjalas e importe ese archivo.`,
      cut: (done, all) =>
        `interrumpido: ${String(done)} de ${String(all)} filas están guardadas. Repita la misma orden: ninguna fila se repite.`,
      noAgent: 'El agente está detenido: se enviarán cuando arranque.',
      faults: {
        empty: 'está vacío',
        cut: 'unas comillas abiertas aquí o antes no se cierran',
        quotes: 'las comillas deben encerrar un valor entero, y dentro de él van dobles',
        encoding: 'no está en UTF-8: guárdelo como «CSV UTF-8»',
        at: (line) => `línea ${String(line)}:`,
        unknown: 'columnas desconocidas',
        missing: 'faltan columnas',
        twice: 'columnas repetidas',
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
    nextSteps: {
      'account-taken':
        'Somebody else has this user name or e-mail. Register with another; if it is the same person, they have an account.',
      'rejected-invalid':
        'The server refused the data: see it with `vlt-agent queue show`, correct it and register again.',
      'registry-not-configured':
        'This machine has no user for the digital registry: tell the technician. What is saved is sent by itself.',
      'registry-refuses-us':
        'The digital registry refuses the user of this machine: tell the technician. What is saved is sent by itself.',
    },
    list: {
      line: (line, problems) => `line ${String(line)}: ${problems}`,
      more: (rows) => `… and more rows with problems: ${String(rows)}.`,
      sound: (good, bad) => `Sound rows: ${String(good)}; with problems: ${String(bad)}. Nothing was stored.`,
      queued: (added, known) =>
        (added === 0
          ? 'There are no new rows to save.'
          : `Rows saved on this machine: ${String(added)}; they are sent by themselves.`) +
        (known === 0 ? '' : ` Imported before, not repeated: ${String(known)}.`),
      rejects: (bad, file) =>
        `The rows with problems (${String(bad)}) are in ${file}: correct them and import that file.`,
      cut: (done, all) =>
        `interrupted: ${String(done)} of ${String(all)} rows are saved. Give the same command again: no row is repeated.`,
      noAgent: 'The agent is stopped: they are sent once it runs.',
      faults: {
        empty: 'is empty',
        cut: 'a quote opened here or before is not closed',
        quotes: 'quotes must enclose a whole value, and be doubled within it',
        encoding: 'is not UTF-8: save it as "CSV UTF-8"',
        at: (line) => `line ${String(line)}:`,
        unknown: 'unknown columns',
        missing: 'missing columns',
        twice: 'columns twice',
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
    notStored: 'Nothing was stored. Correct these fields:',
    missing: 'Data is missing and there is nobody to ask (--no-input, or no terminal):',
  },
}
