import { AppError } from '../../shared/errors.ts'
import type { Outbox } from './outbox.ts'

const results = new Set<string | symbol>(['settleAll', 'markDelivered', 'markDead', 'recordAttempt', 'blame'])

/** The outbox on a disk that has no room left for what becomes of a registration. */
export function onFullDisk(outbox: Outbox): Outbox {
  return new Proxy(outbox, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (!results.has(name)) return value.bind(target) as unknown
      return () => {
        throw new AppError('disk-full', 'the disk is full')
      }
    },
  })
}
