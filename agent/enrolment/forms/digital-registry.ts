import { registrationRequest } from '../../../shared/contracts/digital-registry.ts'
import { complaintsOf, unknownFields, type Complaint, type Form } from './form.ts'

// Username and Password are this machine's, from its settings.
const person = registrationRequest.pick({ Nombres: true, TipoDni: true, Dni: true })
const fields = ['Nombres', 'TipoDni', 'Dni'] as const

/** The person alone, as JSON text. */
export const digitalRegistryForm: Form<string> = {
  fields: fields.map((name) => ({ name, kind: 'text', required: true })),
  check(input) {
    const { data, error } = person.safeParse(input)
    const complaints = [
      ...complaintsOf(error),
      ...unknownFields(input, fields).map((complaint) =>
        /^(Username|Password)$/.test(complaint.field) ? { ...complaint, rule: 'credentials' } : complaint,
      ),
    ]
    // The server tells an unknown type last; a person is told at once.
    if (data !== undefined && data.TipoDni === undefined) complaints.push(unknownType)
    if (data === undefined || complaints.length > 0) return { complaints }
    const { Dni, TipoDni, Nombres } = data
    return { value: JSON.stringify({ Dni, TipoDni, Nombres }) }
  },
}

const unknownType: Complaint = {
  field: 'TipoDni',
  message: 'TipoDni is not in the table tipo_documento.',
  rule: 'document-type',
}
