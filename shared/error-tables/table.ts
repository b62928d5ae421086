/**
 * What can go wrong outside our control, by stable name.
 *
 * `retry` says who may try again: `later` the program itself, with back-off; `after-fix` once a person has
 * changed something; `never` the same attempt cannot succeed. `hint` is what that person does next.
 */
export type ErrorTable = Record<string, { retry: Retry; hint: string }>

export type Retry = 'never' | 'later' | 'after-fix'
