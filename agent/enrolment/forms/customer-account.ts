import { createRequest, type CustomerProfile } from '../../../shared/contracts/customer-accounts.ts'
import { complaintsOf, unknownFields, type FieldKind, type Form, type FormField } from './form.ts'

/** The body of step 3, as it is sent. */
export type Customer = Record<string, unknown>

/** In the order in which they are asked: the person first, then what the house decides. */
const kinds: Record<keyof CustomerProfile, FieldKind> = {
  nombres: 'text',
  email: 'text',
  numero_documento: 'text',
  fecha_nacimiento: 'text',
  celular: 'text',
  password: 'secret',
  id_distrito: 'number',
  id_lista_precio: 'number',
  tipo_cliente: 'text',
  tipo_pago: 'text',
  incluye_igv: 'digit-flag',
  extra_domicilio_a_domicilio: 'number',
  extra_domicilio_a_agencia: 'number',
  extra_agencia_a_domicilio: 'number',
  id_tipo_detraccion: 'number',
  direcciones: 'file-only',
}
const presets: Partial<Record<string, string>> = {
  tipo_cliente: 'Natural',
  tipo_pago: 'Contado',
}
const names = Object.keys(kinds) as (keyof CustomerProfile)[]
const required = new Set(createRequest.safeParse({}).error?.issues.map(({ path }) => String(path[0])))

export const customerFields: readonly FormField[] = names.map((name) => ({
  name,
  kind: kinds[name],
  required: required.has(name),
  ...(presets[name] === undefined ? {} : { preset: presets[name] }),
}))

export const customerForm: Form<Customer> = {
  fields: customerFields,
  check(input) {
    const { data, error } = createRequest.safeParse(input)
    const complaints = [...complaintsOf(error), ...unknownFields(input, names)]
    if (data === undefined || complaints.length > 0) return { complaints }
    const { id_distrito: district, direcciones: addresses } = data
    return {
      value: { ...data, id_distrito: Number(district), direcciones: JSON.parse(addresses) as unknown },
    }
  },
}
