import { checkClient, clientFields, requiredFields, type ClientData } from '../client-data.ts'
import type { Form } from './form.ts'

/** A gaming-lobby client, without the card. */
export const vltClientForm: Form<ClientData> = {
  fields: clientFields.map((name) => ({
    name,
    kind: name.startsWith('enviar') ? 'flag' : 'text',
    required: requiredFields.includes(name),
  })),
  check: (input) => {
    const checked = checkClient(input)
    return 'client' in checked ? { value: checked.client } : checked
  },
}
