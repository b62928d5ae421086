import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { METHODS } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../shared/clock.ts'
import { joinPath, keyPath, registrationsPath, reportPath } from '../shared/contracts/kiosk-sync.ts'
import { newKey, type PrivateJwk, publicPart } from '../shared/http-signatures/ed25519.ts'
import type { Canaries } from './canaries.testing.ts'
import { createClientSecrets } from './client-secrets/client-secrets.ts'
import { createKioskDesk } from './kiosks/desk.ts'
import { item, sign } from './kiosks/kiosk.testing.ts'
import { createAccounts } from './systems/digital-registry/accounts/accounts.ts'
import { exampleBody, send, type Received, type Sent } from './testbed.testing.ts'
import { openBeside, type Watched } from './watched-server.testing.ts'

/** A request that the server takes, with canaries wherever it says something of a person. */
export interface Told {
  path: string
  headers?: Record<string, string>
  body: Record<string, unknown>
}

export const json = { 'content-type': 'application/json' }

/** Sends what each system takes, in the order in which a person would, and answers the requests. */
export async function tellEverything(watched: Watched): Promise<Told[]> {
  const { port, folder, canaries } = watched
  const told: Told[] = []
  const tell = async (request: Told): Promise<Received> => {
    told.push(request)
    const { path, headers = {}, body } = request
    const key = canaries.plant('Idempotency-Key', randomBytes(12).toString('hex'), true)
    const received = await send(port, {
      path,
      headers: { ...json, 'idempotency-key': key, ...headers },
      body: JSON.stringify(body),
    })
    if (received.status >= 300) throw new Error(`${path}: ${String(received.status)} ${received.body}`)
    return received
  }

  const card = canaries.plant('tarjeta', `C4${randomBytes(6).toString('hex')}`, true)
  await tell({ path: '/api/clientes/register', body: client(canaries, card, '1907-03-11') })

  const email = canaries.email('email')
  const password = canaries.text('password')
  const nombres = canaries.text('nombres')
  await tell({ path: '/auth/clienteRegister', body: { nombres, email } })
  const codigo = canaries.plant('codigo', await codeMailedTo(folder, email))
  const verified = await tell({ path: '/auth/clienteValidarCodigoRegistro', body: { email, codigo } })
  const ticket = canaries.plant('ticket', String(verified.headers['x-registration-ticket']))
  await tell({
    path: '/auth/clienteCrear',
    headers: { 'x-registration-ticket': ticket },
    body: {
      numero_documento: canaries.text('numero_documento'),
      nombres,
      fecha_nacimiento: canaries.plant('fecha_nacimiento', '1907-03-12'),
      email,
      password,
      id_lista_precio: 1,
      id_distrito: 150101,
      celular: canaries.text('celular'),
      tipo_cliente: 'Natural',
      tipo_pago: 'Contado',
      incluye_igv: 1,
      direcciones: [{ calle: canaries.text('direcciones') }],
    },
  })
  const login = await tell({ path: '/auth/loginCliente', body: { email, password } })
  canaries.plant('customer token', (JSON.parse(login.body) as { data: { token: string } }).data.token)

  const apiUser = { username: canaries.text('Username'), password: canaries.text('Password') }
  await using core = await openBeside(watched)
  const accounts = createAccounts(core, systemClock)
  const { id: entityId } = await accounts.addEntity('an entity')
  await accounts.addApiUser({ ...apiUser, entityId, api: true })
  const documento = canaries.text('Dni')
  const registered = await tell({
    path: '/api/digital/crear/registro.php',
    body: {
      Username: apiUser.username,
      Password: apiUser.password,
      Dni: documento,
      TipoDni: 1,
      Nombres: `${canaries.text('Nombres')} ${canaries.text('Apellidos')}`,
    },
  })
  const { Codigo } = (JSON.parse(registered.body) as { data: { Codigo: string } }).data
  const page = `/digital/index.php?cod=${canaries.plant('Codigo', Codigo)}`
  await send(port, { method: 'GET', path: page, headers: {} })
  const proven = await send(port, {
    path: page,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ paso: 'documento', documento }).toString(),
  })
  const cookie = /^prueba=([^;]+)/.exec(proven.headers['set-cookie']?.[0] ?? '')?.[1]
  if (cookie === undefined) throw new Error(`no proof came: ${proven.body}`)
  canaries.plant('cookie', cookie)

  const account = await tell({
    path: '/api/register',
    body: {
      usuarioLogin: canaries.text('usuarioLogin'),
      usuarioCorreo: canaries.email('usuarioCorreo'),
      usuarioPassword: canaries.text('usuarioPassword'),
      usuarioNombre: canaries.text('usuarioNombre'),
      usuarioApellido: canaries.text('usuarioApellido'),
      departamentoId: 5,
      usuarioFechaNacimiento: canaries.plant('usuarioFechaNacimiento', '1907-03-13'),
      usuarioCelular: canaries.text('usuarioCelular'),
      usuarioDpi: canaries.text('usuarioDpi'),
      usuarioNit: canaries.text('usuarioNit'),
      poseeLicencia: true,
      licenciaTipo: 1,
      licenciaNumero: canaries.text('licenciaNumero'),
      licenciaFechaVencimiento: '2099-12-31',
    },
  })
  const token = canaries.plant('token', (JSON.parse(account.body) as { token: string }).token)
  const me = { method: 'GET', path: '/v1/me', headers: { authorization: `Bearer ${token}` } }
  if ((await send(port, me)).status !== 200) throw new Error('the token is not believed')

  const { secret } = await createClientSecrets(core, systemClock).add('a lobby')
  const headers = { 'x-client-secret': canaries.plant('client secret', secret) }
  await tell({ path: '/v1/cards/authenticate', headers, body: { cardIdentifier: card } })

  const { code } = await createKioskDesk(core, systemClock).makeCode({
    ...{ name: undefined, kioskId: undefined, activates: true, livesMs: 60_000 },
  })
  const key = newKey()
  let sequence = 0
  const tellSigned = (path: string, body: Record<string, unknown>, next?: PrivateJwk): Promise<Received> => {
    const signing = { sequence: sequence++, key, ...(next !== undefined && { newKey: next }) }
    return tell({ path, body, headers: sign(port, path, JSON.stringify(body), signing) })
  }
  await tellSigned(joinPath, {
    ...{
      code: canaries.plant('join code', code),
      publicKey: publicPart(key),
      name: 'Lobby',
      version: '1.0.0',
    },
  })
  const other = canaries.plant('tarjeta of a batch', `C5${randomBytes(6).toString('hex')}`, true)
  await tellSigned(registrationsPath, {
    epoch: 'epoch-1',
    items: [{ ...item(1), body: JSON.stringify(client(canaries, other, '1907-03-14')) }],
  })
  await tellSigned(reportPath, {
    ...{ epoch: 'epoch-1', version: '1.0.0', highestSequence: 1, chainHead: 'f'.repeat(64) },
    ...{ accepted: 1, delivered: 1, dead: 0, discarded: 0, pending: 0, documented: 0 },
  })
  const next = newKey()
  await tellSigned(keyPath, { publicKey: publicPart(next) }, next)
  return told
}

function client(canaries: Canaries, tarjeta: string, born: string): Record<string, unknown> {
  return exampleBody({
    codigoClienteVLT: Number(canaries.plant('codigoClienteVLT', String(randomInt(1e13, 1e14)), true)),
    correo: canaries.email('correo'),
    tarjeta,
    dni: canaries.text('dni'),
    nombre: canaries.text('nombre'),
    apellidoPaterno: canaries.text('apellidoPaterno'),
    apellidoMaterno: canaries.text('apellidoMaterno'),
    fechaNacimiento: canaries.plant('fechaNacimiento', born),
    direccion: canaries.text('direccion'),
    telefono: canaries.text('telefono'),
    ubigeo: canaries.text('ubigeo'),
  })
}

/** The code in the newest mail to an address, once it is there. */
async function codeMailedTo(folder: string, address: string): Promise<string> {
  const mails = join(folder, 'mail')
  for (let tries = 0; tries < 400; tries += 1) {
    for (const file of existsSync(mails) ? readdirSync(mails) : []) {
      const text = readFileSync(join(mails, file), 'latin1')
      const code = /\b(\d{3}) ?(\d{3})\b/.exec(text.slice(text.indexOf('\r\n\r\n')))
      if (text.includes(address) && code !== null) return `${code[1] ?? ''}${code[2] ?? ''}`
    }
    await delay(25)
  }
  throw new Error('no code was mailed')
}

/** Every way to get a request wrong, still full of canaries. */
export function* spoilt({ path, headers = {}, body }: Told, canaries: Canaries): Generator<Sent> {
  const text = JSON.stringify(body)
  const all = Object.values(body).join(' ')
  const sent = (changes: Sent): Sent => ({
    path,
    ...changes,
    headers: { ...json, ...headers, ...changes.headers },
  })
  for (const [field, value] of Object.entries(body)) {
    const wrong = [[value], { [String(value)]: value }, `${String(value)}\0`, `${String(value)} `.repeat(300)]
    for (const other of wrong) yield sent({ body: JSON.stringify({ ...body, [field]: other }) })
  }
  yield sent({ body: text.slice(0, -1) })
  yield sent({ body: `${text}${all}` })
  yield sent({ body: JSON.stringify([body]) })
  yield sent({ body: JSON.stringify({ [all]: all }) })
  yield sent({ body: `${all} `.repeat(1_000) })
  yield sent({ body: text, headers: { 'content-type': `text/${canaries.text('media type')}` } })
  yield sent({ body: new URLSearchParams({ all }).toString() })
  const strange = canaries.text('header')
  for (const name of [
    'x-request-id',
    'user-agent',
    'cookie',
    'accept',
    'x-forwarded-for',
    'referer',
    'origin',
  ]) {
    yield sent({ body: '{}', headers: { [name]: strange } })
  }
  yield sent({ body: '{}', headers: { 'idempotency-key': `${strange} ${strange}` } })
  yield sent({ body: text, headers: { authorization: `Bearer ${strange}`, 'x-client-secret': strange } })
  yield sent({ body: text, headers: { 'x-registration-ticket': strange } })
  const segment = encodeURIComponent(all)
  yield sent({ path: `${path}/${segment}`, body: text })
  yield sent({ path: `${path}?${segment}=${segment}`, body: text.slice(1) })
  yield sent({ path: `${path}/%zz${segment}`, body: text })
  yield sent({ path: `/${segment}`, body: text })
  for (const method of METHODS.filter((name) => !['POST', 'CONNECT'].includes(name))) {
    yield sent({ method, path: `${path}?${segment}` })
  }
}
