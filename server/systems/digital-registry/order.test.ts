import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engines } from '../../testbed.testing.ts'
import { ask, openRegistry, password, type Registry } from './registry.testing.ts'

interface Draft {
  body: Record<string, unknown>
  headers: Record<string, string>
  /** States of the API user, as `users` below names them. */
  user: Set<string>
}

type Fault = [name: string, status: number, message: string, apply: (draft: Draft) => void]

const required = (field: string): Fault => [
  `${field} missing`,
  400,
  `El campo '${field}' es obligatorio.`,
  ({ body }) => (body[field] = undefined),
]

/** In the order in which they are told. */
const faults: Fault[] = [
  [
    'plain HTTP',
    403,
    'La API debe consumirse exclusivamente por HTTPS.',
    ({ headers }) => (headers['x-forwarded-proto'] = 'http'),
  ],
  [
    'wrong shape',
    400,
    'Formato de solicitud incorrecto.',
    ({ body }) => (body[body['Nombres'] === undefined ? 'Dni' : 'Nombres'] = 7),
  ],
  required('Username'),
  required('Password'),
  required('Dni'),
  required('TipoDni'),
  required('Nombres'),
  [
    'malformed key',
    400,
    'El encabezado Idempotency-Key debe tener de 1 a 255 caracteres ASCII visibles.',
    ({ headers }) => (headers['idempotency-key'] = 'a b'),
  ],
  ['unknown user', 401, 'Usuario no encontrado.', ({ user }) => user.add('unknown')],
  ['wrong password', 401, 'Error de autenticación.', ({ body }) => (body['Password'] &&= 'wrong')],
  ['no API', 403, 'El usuario no tiene atributos programáticos.', ({ user }) => user.add('no-api')],
  ['blocked', 403, 'El usuario se encuentra bloqueado.', ({ user }) => user.add('blocked')],
  [
    'suspended entity',
    403,
    'La entidad asociada al usuario se encuentra suspendida.',
    ({ user }) => user.add('suspended'),
  ],
  [
    'wrong document type',
    400,
    'Error al crear registro, tipo de documento incorrecto.',
    ({ body }) => (body['TipoDni'] &&= '99'),
  ],
]

const states = ['no-api', 'blocked', 'suspended']
const users = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => new Set(states.filter((_, bit) => (bits >> bit) & 1)))
const nameOf = (user: Set<string>): string =>
  `u${[...user]
    .sort()
    .map((state) => `-${state}`)
    .join('')}`

const singles = faults.map((fault): [string, Fault, Fault | undefined] => [fault[0], fault, undefined])
const pairs = faults.flatMap((first, place) =>
  faults
    .slice(place + 1)
    .map((second): [string, Fault, Fault | undefined] => [`${first[0]} before ${second[0]}`, first, second]),
)

describe.each(engines)('what is told first, on %s', (engine) => {
  let bed: Registry
  let network = 0
  beforeAll(async () => {
    bed = await openRegistry({
      engine,
      trustedProxy: ['127.0.0.1/32'],
      flags: { insecureLoopback: false },
    })
    const { accounts, entityId: active } = bed
    const { id: suspended } = await accounts.addEntity('Suspendida')
    await accounts.setEntityActive(suspended, false)
    for (const user of users) {
      const username = nameOf(user)
      const entityId = user.has('suspended') ? suspended : active
      await accounts.addApiUser({ username, password, entityId, api: !user.has('no-api') })
      if (user.has('blocked')) await accounts.setApiUserActive(username, false)
    }
  })
  afterAll(() => bed[Symbol.asyncDispose]())

  test.for([...singles, ...pairs])('%s', async ([, first, second]) => {
    network += 1
    const draft: Draft = {
      body: { Username: 'x', Password: password, Dni: '1', TipoDni: '1', Nombres: 'Jorge' },
      headers: {
        'x-forwarded-proto': 'https',
        'x-forwarded-for': `10.${String(network >> 8)}.${String(network & 255)}.1`,
      },
      user: new Set(),
    }
    // A missing field cannot be wrong as well, so what takes away goes last.
    second?.[3](draft)
    first[3](draft)
    if (draft.body['Username'] !== undefined) draft.body['Username'] = nameOf(draft.user)
    const { status, body } = await ask(
      bed.port,
      {},
      { headers: draft.headers, body: JSON.stringify(draft.body) },
    )
    expect([status, JSON.parse(body)]).toEqual([first[1], { status: first[1], message: first[2] }])
  })
})
