import { type DocumentType, documentTypes } from '../../../../shared/contracts/digital-registry.ts'

export const languages = ['es', 'en'] as const
export type Language = (typeof languages)[number]

/** A page that only says something: its heading and its paragraphs. */
export interface Notice {
  title: string
  paragraphs: string[]
}

const time = (locale: string) => {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'America/Bogota' })
  return (at: string): string => format.format(new Date(at))
}

const spanish = {
  product: 'Registro Digital',
  otherLanguage: 'English',
  errorPrefix: 'Error: ',
  summary: 'Hay un problema',
  step: (step: number) => `Paso ${String(step)} de 2`,
  day: time('es-CO'),
  documentTypes: documentTypes as Record<DocumentType, string>,
  prove: {
    title: 'Valide su identidad',
    asks: 'le pide validar su identidad digital con estos datos:',
    name: 'Nombre',
    initials: (initials: string) => `Iniciales: ${initials}`,
    document: 'Documento',
    endsIn: (end: string) => `termina en ${end}`,
    why: 'Los mostramos incompletos para protegerlos. Si no conoce a la entidad o no son sus datos, cierre esta página.',
    label: 'Escriba su número de documento completo',
    hint: 'Puede escribirlo con o sin puntos y espacios.',
    submit: 'Continuar',
    expires: (day: string) => `Este enlace vence el ${day}.`,
    missing: 'Escriba su número de documento.',
    wrong: (left: number) =>
      `El número no coincide con el del registro. ${left === 1 ? 'Le queda 1 intento' : `Le quedan ${String(left)} intentos`}.`,
    again: 'Pasó demasiado tiempo. Por seguridad, escriba de nuevo su número de documento.',
  },
  confirm: {
    title: 'Confirme sus datos',
    name: 'Nombres completos',
    type: 'Tipo de documento',
    number: 'Número de documento',
    wrongData: (entity: string) =>
      `Si algún dato está mal, no continúe: avise a ${entity} y cierre esta página.`,
    consent: 'Tratamiento de datos personales',
    accept: 'He leído y autorizo el tratamiento de mis datos personales.',
    submit: 'Mis datos son correctos: terminar',
    missing: 'Para terminar, marque que autoriza el tratamiento de sus datos personales.',
    changed: 'El texto de la autorización cambió. Léalo de nuevo y márquelo para terminar.',
  },
  done: (entity: string, day: string): Notice => ({
    title: 'Listo, su registro está completo',
    paragraphs: [
      `Confirmó sus datos y autorizó su tratamiento por ${entity} el ${day}.`,
      'No tiene que hacer nada más. Ya puede cerrar esta página.',
    ],
  }),
  malformed: {
    title: 'El enlace está incompleto',
    paragraphs: [
      'A esta dirección le falta el código del registro, o el código está mal escrito.',
      'Abra de nuevo el enlace tal como lo recibió. Si lo escribió a mano, revise los 13 caracteres después de «cod=».',
    ],
  },
  unknown: {
    title: 'No encontramos este registro',
    paragraphs: [
      'El código de este enlace no existe.',
      'Revise que el enlace sea el que recibió, o pida uno nuevo a la entidad que se lo envió.',
    ],
  },
  expired: (entity: string, days: number): Notice => ({
    title: 'El enlace venció',
    paragraphs: [
      `Los enlaces de registro sirven durante ${String(days)} días.`,
      `Comuníquese con ${entity} para que le envíe uno nuevo.`,
    ],
  }),
  suspended: (entity: string): Notice => ({
    title: 'El registro no está disponible',
    paragraphs: [
      `Por ahora ${entity} no recibe registros por este medio.`,
      'No tiene que hacer nada. Si le corre prisa, comuníquese con la entidad.',
    ],
  }),
  locked: (entity: string): Notice => ({
    title: 'El enlace quedó bloqueado',
    paragraphs: [
      'Se escribió demasiadas veces un número de documento que no coincide.',
      `Sus datos están protegidos. Comuníquese con ${entity} para que le envíe un enlace nuevo.`,
    ],
  }),
}

export type Texts = typeof spanish

const english: Texts = {
  product: 'Digital registry',
  otherLanguage: 'Español',
  errorPrefix: 'Error: ',
  summary: 'There is a problem',
  step: (step) => `Step ${String(step)} of 2`,
  day: time('en-GB'),
  documentTypes: {
    1: 'Citizenship card (cédula de ciudadanía)',
    2: 'Identity card of minors (tarjeta de identidad)',
    3: 'Civil registry (registro civil)',
    4: 'Foreigner’s card (cédula de extranjería)',
    5: 'Document defined by DIAN',
    6: 'Tax number (NIT)',
    7: 'Special stay permit (P.E.P.)',
    8: 'Passport',
    9: 'Visa',
  },
  prove: {
    title: 'Validate your identity',
    asks: 'asks you to validate your digital identity with this data:',
    name: 'Name',
    initials: (initials) => `Initials: ${initials}`,
    document: 'Document',
    endsIn: (end) => `ends in ${end}`,
    why: 'We show it incomplete to protect it. If you do not know the entity or this is not your data, close this page.',
    label: 'Type your full document number',
    hint: 'You may type it with or without dots and spaces.',
    submit: 'Continue',
    expires: (day) => `This link expires on ${day}.`,
    missing: 'Type your document number.',
    wrong: (left) =>
      `The number does not match the registration. You have ${left === 1 ? '1 try' : `${String(left)} tries`} left.`,
    again: 'Too much time has passed. To protect you, please type your document number again.',
  },
  confirm: {
    title: 'Confirm your data',
    name: 'Full name',
    type: 'Document type',
    number: 'Document number',
    wrongData: (entity) => `If anything is wrong, do not go on: tell ${entity} and close this page.`,
    consent: 'Processing of personal data',
    accept: 'I have read this and authorise the processing of my personal data.',
    submit: 'My data is correct: finish',
    missing: 'To finish, tick that you authorise the processing of your personal data.',
    changed: 'The text of the authorisation has changed. Read it again and tick it to finish.',
  },
  done: (entity, day) => ({
    title: 'Done, your registration is complete',
    paragraphs: [
      `You confirmed your data and authorised its processing by ${entity} on ${day}.`,
      'There is nothing more to do. You can close this page.',
    ],
  }),
  malformed: {
    title: 'The link is incomplete',
    paragraphs: [
      'This address lacks the code of the registration, or the code is misspelt.',
      'Open the link again as you received it. If you typed it, check the 13 characters after “cod=”.',
    ],
  },
  unknown: {
    title: 'We cannot find this registration',
    paragraphs: [
      'The code in this link does not exist.',
      'Check that the link is the one you received, or ask the entity that sent it for a new one.',
    ],
  },
  expired: (entity, days) => ({
    title: 'The link has expired',
    paragraphs: [`Registration links work for ${String(days)} days.`, `Ask ${entity} to send you a new one.`],
  }),
  suspended: (entity) => ({
    title: 'The registration is not available',
    paragraphs: [
      `${entity} is not taking registrations this way at the moment.`,
      'There is nothing you need to do. If it is urgent, contact the entity.',
    ],
  }),
  locked: (entity) => ({
    title: 'The link has been locked',
    paragraphs: [
      'A document number that does not match was typed too many times.',
      `Your data is safe. Ask ${entity} to send you a new link.`,
    ],
  }),
}

export const texts: Record<Language, Texts> = { es: spanish, en: english }
