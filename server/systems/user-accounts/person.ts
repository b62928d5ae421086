import type { Registration, User } from '../../../shared/contracts/user-accounts.ts'
import type { UserAccountRow } from '../../database/rows/user-accounts.ts'
import type { Vault } from '../../security/vault.ts'

/** What a registration says of the person; keys are those of the wire. */
export type Person = Omit<
  Registration,
  'usuarioPassword' | 'departamentoId' | 'usuarioRolId' | 'poseeLicencia' | 'licenciaTipo'
>

/** Blind indexes: nobody may have either of them twice. */
export type Identity = Pick<UserAccountRow, 'login_index' | 'correo_index'>

export function identify(
  vault: Vault,
  { usuarioLogin, usuarioCorreo }: Pick<Person, 'usuarioLogin' | 'usuarioCorreo'>,
): Identity {
  return {
    // NFKC: wide letters and ligatures are another way to write the same login.
    login_index: vault.index('user_accounts.login', folded(usuarioLogin.normalize('NFKC'))),
    correo_index: vault.index('user_accounts.correo', folded(usuarioCorreo.normalize('NFC'))),
  }
}

/** Up and down again finds more pairs than down alone: ß and SS, the two small sigmas, ſ and s. */
function folded(text: string): string {
  return text.toUpperCase().toLowerCase()
}

export function sealPerson(vault: Vault, { login_index }: Identity, registration: Registration): string {
  const {
    usuarioPassword: _password,
    departamentoId: _department,
    usuarioRolId: _role,
    poseeLicencia: _flag,
    licenciaTipo: _type,
    ...person
  } = registration
  return vault.seal(purpose(login_index), JSON.stringify(person satisfies Person))
}

/** The person of an account, or undefined once erased. Throws what `vault.open` throws. */
export function openPerson(
  vault: Vault,
  { login_index, personal }: Pick<UserAccountRow, 'login_index' | 'personal'>,
): Person | undefined {
  return personal === '' ? undefined : (JSON.parse(vault.open(purpose(login_index), personal)) as Person)
}

/** What the sealed text of an account is bound to. */
function purpose(loginIndex: string): string {
  return `user_accounts:${loginIndex}`
}

/** What an account shows of itself; all but `profile` are the claims of its tokens too. */
export function userOf(id: number, departamentoId: number, person: Person): User {
  return {
    usuario_id: id,
    usuario_login: person.usuarioLogin,
    usuario_correo: person.usuarioCorreo,
    usuario_nombre: person.usuarioNombre,
    usuario_apellido: person.usuarioApellido,
    departamento_id: departamentoId,
    usuario_celular: person.usuarioCelular ?? null,
    profile: null,
  }
}

/** As the audit trail and kept answers name an account. */
export function accountSubject(id: number): string {
  return `user-account ${String(id)}`
}
