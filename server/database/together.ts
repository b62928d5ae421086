import { isAftermath } from './postgres/faults.ts'

/**
 * Statements of one transaction that need nothing of each other, sent at once: PostgreSQL runs them in this order
 * and in one round trip. Waits for all of them even where one fails, so that none runs after a rollback.
 */
export async function together<T extends readonly unknown[]>(
  ...statements: { [K in keyof T]: Promise<T[K]> }
): Promise<T> {
  const settled = await Promise.allSettled(statements)
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  if (failures.length > 0) throw failures.find((error) => !isAftermath(error)) ?? failures[0]
  return Promise.all(statements)
}
