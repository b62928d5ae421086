import type { Command } from 'commander'
import { AppError } from '../../shared/errors.ts'
import type { FindHolding } from '../privacy/holding.ts'
import { findCustomerHolding } from '../systems/customer-accounts/privacy.ts'
import { findRegistrationHolding } from '../systems/digital-registry/privacy.ts'
import { findAccountHolding } from '../systems/user-accounts/privacy.ts'
import { findClientHolding } from '../systems/vlt-clients/privacy.ts'

interface Kind {
  find: FindHolding
  placeholder: string
  description: string
}

const kinds: Record<string, Kind> = {
  client: {
    find: findClientHolding,
    placeholder: '<id>',
    description: 'client of the VLT lobby (POST /api/clientes/register), by id',
  },
  customer: {
    find: findCustomerHolding,
    placeholder: '<id>',
    description: 'customer (POST /auth/clienteCrear), by id',
  },
  user: {
    find: findAccountHolding,
    placeholder: '<id>',
    description: 'user account (POST /api/register), by id',
  },
  registration: {
    find: findRegistrationHolding,
    placeholder: '<codigo>',
    description: 'person of the digital registry, by the Codigo of the registration',
  },
}

/** The options that name one person in one system. */
export function addPersonOptions(command: Command): Command {
  for (const [name, { placeholder, description }] of Object.entries(kinds)) {
    command.option(`--${name} ${placeholder}`, description)
  }
  return command
}

/** Whom the options name. Throws `usage` unless it is exactly one. */
export function readPerson(flags: Record<string, unknown>): { find: FindHolding; id: string; name: string } {
  const given = Object.entries(kinds).filter(([name]) => flags[name] !== undefined)
  const [person] = given
  if (person === undefined || given.length > 1) {
    const options = Object.keys(kinds).map((name) => `--${name}`)
    throw new AppError('usage', `give one of ${options.join(', ')}`)
  }
  const [kind, { find }] = person
  const id = String(flags[kind])
  return { find, id, name: `${kind} ${id}` }
}
