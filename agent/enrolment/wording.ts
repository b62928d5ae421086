/** What a clerk reads while enrolling. Spanish first; technical talk stays English, with its error codes. */
import type { RegistrationField } from '../../shared/contracts/vlt-clients.ts'
import type { Language } from '../config.ts'
import type { ClientComplaint } from './client-data.ts'
import type { Outcome } from './registrar.ts'

type ClientField = Exclude<RegistrationField, 'tarjeta'>

interface Wording {
  fields: Record<ClientField, string>
  complaints: Record<ClientComplaint['rule'], string>
  outcomes: Record<Outcome['state'], string>
  /** A phone, or a card that makes up its number. */
  random: string
  /** The same of a number that was typed. */
  randomCard: string
  waiting: (seconds: number) => string
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
    fields: {
      codigoClienteVLT: 'Código de cliente VLT',
      correo: 'Correo electrónico',
      enviarWhatsApp: '¿Acepta mensajes por WhatsApp?',
      enviarCorreo: '¿Acepta mensajes por correo?',
      enviarSms: '¿Acepta mensajes por SMS?',
      tipoDocumento: 'Tipo de documento (1 = DNI, 4 = carné de extranjería, 7 = pasaporte)',
      dni: 'Número de documento',
      nombre: 'Nombres',
      apellidoPaterno: 'Apellido paterno',
      apellidoMaterno: 'Apellido materno',
      fechaNacimiento: 'Fecha de nacimiento (AAAA-MM-DD)',
      direccion: 'Dirección',
      telefono: 'Teléfono',
      ubigeo: 'Ubigeo',
      sexo: 'Sexo (número)',
    },
    complaints: {
      required: 'falta',
      integer: 'debe ser un número entero',
      string: 'debe ser un texto',
      boolean: 'debe ser sí o no (true o false)',
      email: 'no es un correo electrónico',
      date: 'no es una fecha real (AAAA-MM-DD)',
      format: 'no tiene la forma esperada',
      max: 'es demasiado largo (máximo :max caracteres)',
      unknown: 'no es un campo conocido',
    },
    outcomes: {
      saved: 'Guardado en este equipo. El servidor aún no lo confirmó; se enviará solo.',
      registered: 'Registrado. El servidor lo confirmó.',
      duplicate: 'Esta tarjeta ya estaba registrada. No se cambió nada.',
      rejected: 'No se registró.',
    },
    randomCard:
      'un UID de 4 bytes que empieza con 08 es inventado por un teléfono: use el de la tarjeta misma. No se guardó nada.',
    random:
      'Eso es un teléfono, o una tarjeta cuyo número cambia cada vez: use la tarjeta misma, no el teléfono. ' +
      'Los datos siguen esperando la tarjeta.',
    waiting: (seconds) => `Acerque la tarjeta al lector (${String(seconds)} s)…`,
    optional: 'opcional, Enter para omitir',
    yesNo: 's/n',
    yes: /^(s|si|sí|y|yes|1|true)$/i,
    no: /^(n|no|0|false)$/i,
    card: 'el UID de una tarjeta son 4 a 10 bytes en hexadecimal, por ejemplo A0C2BBCA',
    notStored: 'No se guardó nada. Corrija estos campos:',
    missing: 'Faltan datos y no hay a quién preguntar (--no-input o sin terminal):',
  },
  en: {
    fields: {
      codigoClienteVLT: 'VLT client code',
      correo: 'Email address',
      enviarWhatsApp: 'Accepts WhatsApp messages?',
      enviarCorreo: 'Accepts email messages?',
      enviarSms: 'Accepts SMS messages?',
      tipoDocumento: 'Document type (1 = DNI, 4 = foreigner card, 7 = passport)',
      dni: 'Document number',
      nombre: 'First name(s)',
      apellidoPaterno: 'Father’s last name',
      apellidoMaterno: 'Mother’s last name',
      fechaNacimiento: 'Birth date (YYYY-MM-DD)',
      direccion: 'Address',
      telefono: 'Phone',
      ubigeo: 'Ubigeo',
      sexo: 'Sex (number)',
    },
    complaints: {
      required: 'is missing',
      integer: 'must be a whole number',
      string: 'must be text',
      boolean: 'must be yes or no (true or false)',
      email: 'is no email address',
      date: 'is no real date (YYYY-MM-DD)',
      format: 'does not have the expected form',
      max: 'is too long (at most :max characters)',
      unknown: 'is no known field',
    },
    outcomes: {
      saved: 'Saved on this machine. The server has not confirmed it yet; it is sent by itself.',
      registered: 'Registered. The server confirmed it.',
      duplicate: 'This card was registered before. Nothing was changed.',
      rejected: 'Not registered.',
    },
    randomCard:
      'a 4-byte UID that begins with 08 is made up by a phone: use that of the card itself. Nothing was stored.',
    random:
      'That is a phone, or a card whose number changes each time: use the card itself, not the phone. ' +
      'The data is still waiting for the card.',
    waiting: (seconds) => `Hold the card to the reader (${String(seconds)} s)…`,
    optional: 'optional, Enter to skip',
    yesNo: 'y/n',
    yes: /^(y|yes|s|si|sí|1|true)$/i,
    no: /^(n|no|0|false)$/i,
    card: 'the UID of a card is 4 to 10 bytes of hex, for example A0C2BBCA',
    notStored: 'Nothing was stored. Correct these fields:',
    missing: 'Data is missing and there is nobody to ask (--no-input, or no terminal):',
  },
}

/** `correo: falta`. */
export function complaintLine(complaint: ClientComplaint, { complaints }: Wording): string {
  const text = complaints[complaint.rule].replace(':max', String(complaint.max))
  return `  ${complaint.field}: ${text}`
}
