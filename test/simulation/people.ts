import { randomUUID } from 'node:crypto'
import type { NewRegistration } from '../../agent/outbox/registration.ts'
import type { Random } from './random.ts'

/** A registration somebody asks for. */
export interface Wish {
  registration: NewRegistration
  /** The server refuses it for good, and is right. */
  mayDie: boolean
}

export const registryUser = { username: '465899999', password: 'zoraida-MiClaveSegura' }

const people = 8
const cards = 10
/** What must never be in a log: every person, card and secret of this world matches. */
export const personal = /zoraida|\b(?:4658\d{5}|73000\d\d|C0FFEE[0-9A-F]{2})\b/i

/** Somebody with some card, or with a new one of the same client, or with a card that is another's. */
export function wish(random: Random): Wish {
  const person = random.below(people)
  switch (random.weighted({ card: 10, poison: 1, digital: 2, account: 2 })) {
    case 'card':
      return { registration: cardFor(person, random.below(cards)), mayDie: false }
    case 'poison': {
      const { body, ...rest } = cardFor(person, random.below(cards))
      return {
        registration: {
          ...rest,
          body: JSON.stringify({ ...(JSON.parse(body) as object), correo: 'zoraida' }),
        },
        mayDie: true,
      }
    }
    case 'digital':
      return { registration: citizen(person), mayDie: false }
    case 'account':
      return account(random)
  }
}

/** A poisoned registration as it should have been; undefined where there is nothing to correct. */
export function corrected(body: string): string | undefined {
  const { correo, ...rest } = JSON.parse(body) as { correo?: string }
  return correo === 'zoraida' ? JSON.stringify({ ...rest, correo: 'zoraida@example.com' }) : undefined
}

function cardFor(person: number, card: number): NewRegistration {
  const codigoClienteVLT = 7_300_000 + person
  const tarjeta = `C0FFEE${card.toString(16).padStart(2, '0').toUpperCase()}`
  const body = {
    codigoClienteVLT,
    correo: `zoraida${String(person)}@example.com`,
    ...{ enviarWhatsApp: true, enviarCorreo: false, enviarSms: true },
    ...{ tipoDocumento: 1, dni: String(465_800_000 + person) },
    ...{ nombre: `Zoraida ${String(person)}`, apellidoPaterno: 'Zoraidez' },
    tarjeta,
  }
  return {
    system: 'vlt-clients',
    subject: String(codigoClienteVLT),
    card: tarjeta,
    body: JSON.stringify(body),
    readerId: null,
  }
}

function citizen(person: number): NewRegistration {
  const Dni = String(465_800_000 + person)
  const body = { Dni, TipoDni: '1', Nombres: `Zoraida ${String(person)}` }
  return { system: 'digital-registry', subject: Dni, card: '', body: JSON.stringify(body), readerId: null }
}

/** Mostly a new login; now and then one that somebody else may have. */
function account(random: Random): Wish {
  const isShared = random.chance(0.2)
  const usuarioLogin = `zoraida-${isShared ? String(random.below(2)) : randomUUID()}`
  const body = {
    usuarioLogin,
    usuarioCorreo: `${usuarioLogin}@example.com`,
    ...{ usuarioPassword: 'zoraida-123', usuarioNombre: 'Zoraida', usuarioApellido: 'Zoraidez' },
    ...{ departamentoId: 5, usuarioCelular: '46580000' },
  }
  const registration: NewRegistration = {
    system: 'user-accounts',
    subject: usuarioLogin,
    card: '',
    body: JSON.stringify(body),
    readerId: null,
  }
  return { registration, mayDie: isShared }
}
