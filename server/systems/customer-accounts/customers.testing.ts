import { customerPaths, ticketHeader } from '../../../shared/contracts/customer-accounts.ts'
import { type Mail, openMail } from '../../mail/mailbox.ts'
import { type Received, send, type Sent, type Testbed } from '../../testbed.testing.ts'

export type Step = keyof typeof customerPaths

/** The document's example customer, as an object to change. */
export function exampleProfile(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    numero_documento: '12345678',
    nombres: 'Juan Pérez',
    fecha_nacimiento: '1990-05-15',
    email: 'juan.perez@example.com',
    password: 'securePassword123',
    id_lista_precio: 1,
    id_distrito: 150101,
    celular: '987654321',
    tipo_cliente: 'Natural',
    tipo_pago: 'Contado',
    incluye_igv: 1,
    extra_domicilio_a_domicilio: 0,
    extra_domicilio_a_agencia: 0,
    extra_agencia_a_domicilio: 0,
    id_tipo_detraccion: null,
    direcciones: [],
    ...changes,
  }
}

export interface Answered extends Received {
  json: { message: string; status: number; data?: Record<string, unknown>; errors?: Record<string, string[]> }
}

/** One request of this system; a text is sent as it is. */
export async function post(
  { port }: Pick<Testbed, 'port'>,
  step: Step,
  body: unknown,
  sent: Sent = {},
): Promise<Answered> {
  const received = await send(port, {
    path: customerPaths[step],
    ...sent,
    headers: { 'content-type': 'application/json', ...sent.headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { ...received, json: JSON.parse(received.body) as Answered['json'] }
}

export const example = 'juan.perez@example.com'

export function start(bed: Testbed, email = example, sent?: Sent): Promise<Answered> {
  return post(bed, 'register', { nombres: 'Juan Pérez', email }, sent)
}

export function guess(bed: Testbed, codigo: string, email = example, sent?: Sent): Promise<Answered> {
  return post(bed, 'verify', { email, codigo }, sent)
}

/** Every mail that waits to leave, oldest first. */
export async function mails({ database, vault }: Pick<Testbed, 'database' | 'vault'>): Promise<Mail[]> {
  const rows = await database.db
    .selectFrom('mails')
    .select(['message_id as messageId', 'content'])
    .orderBy('id')
    .execute()
  return rows.flatMap((row) => openMail(vault, row) ?? [])
}

/** The code mailed last, to whomever. */
export async function mailedCode(bed: Testbed): Promise<string> {
  const codes = (await mails(bed)).flatMap(({ text }) => /^ {4}(\d{6})$/m.exec(text)?.[1] ?? [])
  const code = codes.at(-1)
  if (code === undefined) throw new Error('no code was mailed')
  return code
}

/** Another code than that, so that it is wrong. */
export function wrong(code: string, by = 1): string {
  return String((Number(code) + by) % 1_000_000).padStart(6, '0')
}

/** Steps 1 and 2: answers the ticket. */
export async function verify(bed: Testbed, email = example, sent?: Sent): Promise<string> {
  const started = await start(bed, email, sent)
  const { headers } = await guess(bed, await mailedCode(bed), email, sent)
  const ticket = headers[ticketHeader]
  if (typeof ticket !== 'string') throw new Error(`not verified: ${started.body}`)
  return ticket
}

/** All three steps for the example customer with changes. */
export async function createCustomer(bed: Testbed, changes: Record<string, unknown> = {}): Promise<Answered> {
  const profile = exampleProfile(changes)
  const ticket = await verify(bed, String(profile['email']))
  return post(bed, 'create', profile, { headers: { [ticketHeader]: ticket } })
}
