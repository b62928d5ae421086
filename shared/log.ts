import { pino, type Logger } from 'pino'

export type Log = Logger

export const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * Wire and row keys that hold personal data. Nothing logs them on purpose; this is the net below, for the day
 * somebody logs a whole object.
 */
const personalKeys = [
  'correo',
  'dni',
  'nombre',
  'apellidoPaterno',
  'apellidoMaterno',
  'fechaNacimiento',
  'direccion',
  'telefono',
  'codigoClienteVLT',
  'tarjeta',
  'uid',
  'client',
  'body',
  'receipt',
]

/** JSON lines on standard error: standard output belongs to data. */
export function createLog(program: string, level: LogLevel): Log {
  const destination = pino.destination({ fd: 2, sync: true })
  // A log that cannot be written (a full disk, a pipe nobody reads) must not take the program with it.
  destination.on('error', () => undefined)
  return pino(
    {
      name: program,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: personalKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[personal]' },
    },
    destination,
  )
}
