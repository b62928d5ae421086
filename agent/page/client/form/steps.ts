/** The questions, one a screen, and what a good answer is. The rules are the contract's, put as a person meets them. */
import { reachableMailbox } from '../../../../shared/contracts/forms.ts'
import type { Consent } from '../../consents.ts'

export type Field =
  | 'codigoClienteVLT'
  | 'dni'
  | 'nombre'
  | 'apellidoPaterno'
  | 'apellidoMaterno'
  | 'correo'
  | 'telefono'
  | 'fechaNacimiento'

/** As the contract numbers them. */
export const documentTypes = { dni: 1, ce: 4, passport: 7 } as const
export type DocumentType = keyof typeof documentTypes

/** Everything a person has typed; it lives in the page's memory alone, until it is sent or forgotten. */
export interface Answers {
  text: Record<Field, string>
  documentType: DocumentType
  consents: Record<Consent, boolean>
}

export const noAnswers = (): Answers => ({
  text: {
    codigoClienteVLT: '',
    dni: '',
    nombre: '',
    apellidoPaterno: '',
    apellidoMaterno: '',
    correo: '',
    telefono: '',
    fechaNacimiento: '',
  },
  documentType: 'dni',
  consents: { enviarWhatsApp: false, enviarCorreo: false, enviarSms: false },
})

export type Path = 'new' | 'returning'

export const questions: Record<Path, readonly Field[]> = {
  new: [
    'codigoClienteVLT',
    'dni',
    'nombre',
    'apellidoPaterno',
    'apellidoMaterno',
    'correo',
    'telefono',
    'fechaNacimiento',
  ],
  // The server knows the rest of a client who comes for another card.
  returning: ['codigoClienteVLT', 'correo'],
}

export const optional: ReadonlySet<Field> = new Set<Field>(['apellidoMaterno', 'telefono', 'fechaNacimiento'])

/** Characters that a field holds at most. */
export const maxLength: Record<Field, number> = {
  codigoClienteVLT: 18,
  dni: 20,
  nombre: 255,
  apellidoPaterno: 255,
  apellidoMaterno: 255,
  correo: 255,
  telefono: 20,
  fechaNacimiento: 10,
}

/** What is wrong, so that the wording says how to mend it. */
export type Complaint =
  'missing' | 'codigo' | 'dni' | 'ce' | 'passport' | 'name' | 'email' | 'phone' | 'date' | 'future'

const bare = (text: string): string => text.replace(/[\s.-]/g, '')

/** Untidy input is welcome: spaces and hyphens are ours to remove. */
export function complaintOf(
  field: Field,
  { text, documentType }: Answers,
  today = new Date(),
): Complaint | undefined {
  const value = text[field].trim()
  if (value === '') return optional.has(field) ? undefined : 'missing'
  switch (field) {
    case 'codigoClienteVLT':
      return /^[1-9]\d{0,17}$/.test(bare(value)) ? undefined : 'codigo'
    case 'dni':
      if (documentType === 'dni') return /^\d{8}$/.test(bare(value)) ? undefined : 'dni'
      if (documentType === 'ce') return /^[A-Z\d]{9,12}$/i.test(bare(value)) ? undefined : 'ce'
      return /^[A-Z\d]{5,20}$/i.test(bare(value)) ? undefined : 'passport'
    case 'nombre':
    case 'apellidoPaterno':
    case 'apellidoMaterno':
      return /\p{L}/u.test(value) && !/[\d@]/.test(value) ? undefined : 'name'
    case 'correo':
      return reachableMailbox.test(value) ? undefined : 'email'
    case 'telefono':
      return /^\+?\d{6,15}$/.test(value.replace(/[\s().-]/g, '')) ? undefined : 'phone'
    case 'fechaNacimiento': {
      const day = isoDate(value)
      if (day === undefined) return 'date'
      return day < today.toISOString().slice(0, 10) ? undefined : 'future'
    }
  }
}

/** `23/04/1995` while it is typed. */
export function dateAsTyped(text: string): string {
  const digits = text.replace(/\D/g, '').slice(0, 8)
  return [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4)].filter((part) => part !== '').join('/')
}

function isoDate(text: string): string | undefined {
  const [, day, month, year] = /^(\d{2})\/(\d{2})\/(\d{4})$/.exec(text) ?? []
  const iso = `${year ?? ''}-${month ?? ''}-${day ?? ''}`
  const date = new Date(`${iso}T00:00:00Z`)
  if (Number.isNaN(date.getTime()) || !date.toISOString().startsWith(iso) || iso < '1900') return undefined
  return iso
}

/** The JSON body of the API document, without `tarjeta`. */
export function toClient(path: Path, { text, documentType, consents }: Answers): Record<string, unknown> {
  const all: Record<Field, unknown> = {
    codigoClienteVLT: bare(text.codigoClienteVLT),
    dni: bare(text.dni).toUpperCase(),
    nombre: text.nombre.trim(),
    apellidoPaterno: text.apellidoPaterno.trim(),
    apellidoMaterno: text.apellidoMaterno.trim(),
    correo: text.correo.trim(),
    telefono: text.telefono.trim(),
    fechaNacimiento: isoDate(text.fechaNacimiento) ?? '',
  }
  const asked = questions[path]
  const answered = asked.filter((field) => all[field] !== '').map((field) => [field, all[field]] as const)
  return {
    ...Object.fromEntries(answered),
    ...(asked.includes('dni') ? { tipoDocumento: documentTypes[documentType] } : {}),
    ...consents,
  }
}
