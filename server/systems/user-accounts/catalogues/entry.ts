/** The lists that registrations refer to by id. */
export const catalogueNames = ['departments', 'roles', 'licence-types'] as const
export type CatalogueName = (typeof catalogueNames)[number]

export interface Entry {
  id: number
  name: string
  /** New accounts may refer to it. */
  active: boolean
}

export interface RoleEntry extends Entry {
  /** Only staff gives it. */
  privileged: boolean
  /** One role's: what accounts get that may not have what they asked for. */
  default: boolean
}
