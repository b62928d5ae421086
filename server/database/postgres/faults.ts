import { AppError, type ErrorCode, nativeCode } from '../../../shared/errors.ts'

/** SQLSTATEs (PostgreSQL manual, appendix A) and errors of network and TLS, as failures of ours. */
const faults: [RegExp, ErrorCode][] = [
  [/^(28|3D|42501$)/, 'database-refused'],
  [/^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CERT_|ERR_TLS_|ERR_SSL_)/, 'database-refused'],
  [/^53100/, 'disk-full'],
  [/^(58|XX00[12])/, 'storage-failed'],
  // 25006: it has become a standby, and takes no writes until another one is promoted.
  [/^(08|53|57P0|57014|25006|25P03)/, 'database-unavailable'],
  // Conflicts that did not end however often the work was done again.
  [/^(40001|40P01)/, 'database-unavailable'],
  [/^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|ENOENT)/, 'database-unavailable'],
]

/** pg gives these no code. */
const uncoded: [RegExp, ErrorCode][] = [
  [
    /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed)/,
    'database-unavailable',
  ],
  [/^(SASL: |The server does not support SSL|There was an error establishing an SSL)/, 'database-refused'],
]

/**
 * `error` as a failure of the database, or unchanged when it is none. Never repeats the address, which may hold a
 * password, nor the values of a row.
 */
export function postgresFault(error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error
  const native = nativeCode(error)
  const code =
    native === undefined
      ? uncoded.find(([pattern]) => pattern.test(error.message))?.[1]
      : faults.find(([pattern]) => pattern.test(native))?.[1]
  const said = isAnswer(error)
  if (code === undefined) return said ? withoutValues(error) : error
  const text = said ? `${native ?? ''} ${error.message}` : (native ?? error.message)
  return new AppError(code, `PostgreSQL: ${text}`, { cause: error })
}

/** An error that PostgreSQL itself reports. */
interface AnswerError extends Error {
  severity: string
  detail?: string | undefined
  where?: string | undefined
}

function isAnswer(error: Error): error is AnswerError {
  return 'severity' in error
}

/** A bug is logged as it was thrown: then it must not tell what stood in the row. */
function withoutValues(error: AnswerError): AnswerError {
  delete error.detail
  delete error.where
  const code = nativeCode(error) ?? ''
  // Class 22, data exceptions, quotes the value.
  if (code.startsWith('22')) {
    const said = error.message
    error.message = `a value that PostgreSQL does not take (${code})`
    error.stack = (error.stack ?? '').replace(said, error.message)
  }
  return error
}

/** A transaction that PostgreSQL ended so that others could go on: the same work succeeds when done again. */
export function isPassing(error: unknown): boolean {
  return ['40001', '40P01'].includes(nativeCode(error) ?? '')
}

/** Another statement of the same transaction failed before: that one says why. */
export function isAftermath(error: unknown): boolean {
  return nativeCode(error) === '25P02'
}
