import {
  parseRegistration,
  registrationFields,
  registrationRequest,
  type RegistrationField,
} from '../../../shared/contracts/user-accounts.ts'
import { complaintsOf, unknownFields, type Complaint, type FieldKind, type Form } from './form.ts'

const required: readonly RegistrationField[] = [
  'usuarioLogin',
  'usuarioCorreo',
  'usuarioPassword',
  'usuarioNombre',
  'usuarioApellido',
  'departamentoId',
]
const requiredOfLicence: readonly RegistrationField[] = ['licenciaTipo', 'licenciaNumero']

const kinds: Partial<Record<RegistrationField, FieldKind>> = {
  usuarioPassword: 'secret',
  departamentoId: 'number',
  usuarioTipoDocumento: 'number',
  usuarioRolId: 'number',
  poseeLicencia: 'flag',
  licenciaTipo: 'number',
  licenciaPrimerAnio: 'number',
}

const hasLicence = (answers: Record<string, unknown>): boolean => answers['poseeLicencia'] === true

/** The body as it is sent, as JSON text: password included. */
export const userAccountForm: Form<string> = {
  fields: registrationFields.map((name) => ({
    name,
    kind: kinds[name] ?? 'text',
    required: required.includes(name) || requiredOfLicence.includes(name),
    ...(name.startsWith('licencia') ? { onlyIf: hasLicence } : {}),
  })),
  check(input) {
    const { data, error } = parseRegistration(input)
    const complaints = [...complaintsOf(error), ...unknownFields(input, registrationFields)]
    if (hasLicence(input)) {
      // What is no type, or no number, counts as none at the server; and it tells these two alone.
      for (const field of requiredOfLicence) {
        if (complaints.some((complaint) => complaint.field === field)) continue
        const { data: value } = registrationRequest.shape[field].safeParse(input[field])
        if (value === undefined) complaints.push(missing(field, input[field]))
      }
    }
    return data === undefined || complaints.length > 0 ? { complaints } : { value: JSON.stringify(data) }
  },
}

function missing(field: string, given: unknown): Complaint {
  const isBlank = given === undefined || given === null || given === ''
  return { field, message: `${field} is required with a licence`, rule: isBlank ? 'required' : 'integer' }
}
