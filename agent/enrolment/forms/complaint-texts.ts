import type { Language } from '../../config.ts'
import type { Complaint } from './form.ts'

/** How each rule of the contracts is said, with what to do about it. `:min` and `:max` are the rule's numbers. */
const texts: Record<Language, Record<string, string>> = {
  es: {
    required: 'falta',
    integer: 'debe ser un número entero',
    natural: 'debe ser un número entero desde 0',
    range: 'debe estar entre :min y :max',
    year: 'debe ser un año de cuatro cifras',
    string: 'debe ser un texto',
    text: 'debe ser un texto',
    boolean: 'debe ser sí o no (true o false)',
    flag: 'debe ser sí o no (1 o 0)',
    email: 'no es un correo electrónico; por ejemplo: ana@correo.com',
    date: 'no es una fecha real (AAAA-MM-DD)',
    past: 'debe ser una fecha anterior a hoy',
    format: 'no tiene la forma esperada',
    characters: 'tiene caracteres que no se pueden guardar: escríbalo en una sola línea',
    document: 'debe tener letras o cifras',
    max: 'es demasiado largo (máximo :max caracteres)',
    min: 'es demasiado corto (mínimo :min caracteres)',
    list: 'debe ser una lista',
    items: 'tiene demasiados elementos (máximo :max)',
    objects: 'debe tener solo objetos de hasta :max caracteres',
    'document-type': 'no es un tipo de documento: use un número del 1 al 9',
    credentials: 'no va aquí: el usuario de la API y su contraseña son de la configuración del equipo',
    unknown: 'no es un campo conocido',
    card: 'el UID de una tarjeta son 4 a 10 bytes en hexadecimal, por ejemplo A0C2BBCA',
    'card-twice': 'la misma tarjeta está en la línea :max',
    'card-random': 'un UID de 4 bytes que empieza con 08 es inventado por un teléfono: use el de la tarjeta',
    cells: 'no tiene tantos valores como columnas el encabezado',
    'no-object': 'no es un objeto JSON',
  },
  en: {
    required: 'is missing',
    integer: 'must be a whole number',
    natural: 'must be a whole number from 0',
    range: 'must be from :min to :max',
    year: 'must be a year of four digits',
    string: 'must be text',
    text: 'must be text',
    boolean: 'must be yes or no (true or false)',
    flag: 'must be yes or no (1 or 0)',
    email: 'is no email address; for example: ana@mail.com',
    date: 'is no real date (YYYY-MM-DD)',
    past: 'must be a day before today',
    format: 'does not have the expected form',
    characters: 'has characters that cannot be stored: write it on one line',
    document: 'must have letters or digits',
    max: 'is too long (at most :max characters)',
    min: 'is too short (at least :min characters)',
    list: 'must be a list',
    items: 'has too many items (at most :max)',
    objects: 'must hold only objects of up to :max characters',
    'document-type': 'is no document type: use a number from 1 to 9',
    credentials: 'does not belong here: API user and password are settings of this machine',
    unknown: 'is no known field',
    card: 'the UID of a card is 4 to 10 bytes of hex, for example A0C2BBCA',
    'card-twice': 'the same card stands in line :max',
    'card-random': 'a 4-byte UID that begins with 08 is made up by a phone: use that of the card',
    cells: 'does not have as many values as the header has columns',
    'no-object': 'is no JSON object',
  },
}

/** What is wrong with the field; a rule without words here speaks with the contract's own. */
export function complaintText({ rule, min, max, message }: Complaint, language: Language): string {
  const text = texts[language][rule]
  return text?.replace(':min', String(min)).replace(':max', String(max)) ?? message
}

/** `  correo: falta`; of a whole record there is no field to name. */
export function complaintLine(complaint: Complaint, language: Language): string {
  const field = complaint.field === '' ? '' : `${complaint.field}: `
  return `  ${field}${complaintText(complaint, language)}`
}
