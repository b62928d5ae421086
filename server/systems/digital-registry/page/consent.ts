import type { Language } from './texts.ts'

/** Changes with every change of the wording: what a person accepted is kept with it. */
export const wordingVersion = '1'

/** What a person accepts, in the language it was read in. Colombia, Ley 1581 de 2012: prior, express, informed. */
export const consentWording: Record<Language, (entity: string) => string> = {
  es: (entity) =>
    `Autorizo de manera previa, expresa e informada a ${entity} a tratar mi nombre, mi tipo y mi número de ` +
    'documento con el único fin de validar mi identidad digital, conforme a la Ley 1581 de 2012. Sé que puedo ' +
    'conocer, actualizar, rectificar y suprimir mis datos, y revocar esta autorización, dirigiéndome a ' +
    'esa entidad.',
  en: (entity) =>
    `I give ${entity} my prior, express and informed authorisation to process my name and the type and number of ` +
    'my document for the sole purpose of validating my digital identity, under Colombian Law 1581 of 2012. I ' +
    'know that I can access, update, correct and delete my data, and withdraw this authorisation, by contacting ' +
    'that entity.',
}
