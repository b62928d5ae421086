import { type DestinationStream, type Logger, pino } from 'pino'

export type Log = Logger

export const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * Wire and row keys that hold personal data or secrets. Nothing logs them on purpose; this is the net below, for the
 * day somebody logs a whole object.
 */
const personalKeys = new Set([
  // Of any system.
  ...['body', 'input', 'receipt', 'client', 'to', 'html', 'text', 'personal', 'headers'],
  ...['token', 'password', 'secret', 'key', 'ticket', 'authorization', 'cookie'],
  ...['idempotency-key', 'x-client-secret', 'x-registration-ticket'],
  // vlt-clients, cards
  ...['codigoClienteVLT', 'correo', 'tarjeta', 'cardIdentifier', 'uid', 'dni', 'nombre', 'apellidoPaterno'],
  ...['apellidoMaterno', 'fechaNacimiento', 'direccion', 'telefono', 'ubigeo', 'sexo'],
  // customer-accounts
  ...['numero_documento', 'nombres', 'fecha_nacimiento', 'email', 'codigo', 'celular', 'direcciones'],
  'id_distrito',
  // digital-registry
  ...['Username', 'Password', 'Dni', 'Nombres', 'Codigo', 'Url'],
  // user-accounts
  ...['usuarioLogin', 'usuarioCorreo', 'usuarioPassword', 'usuarioNombre', 'usuarioApellido'],
  ...['usuarioFechaNacimiento', 'usuarioCelular', 'usuarioDpi', 'usuarioNit', 'licenciaNumero'],
  ...['usuario_login', 'usuario_correo', 'usuario_nombre', 'usuario_apellido', 'usuario_celular'],
])

const maxDepth = 6

/** JSON lines on standard error: standard output belongs to data. */
export function createLog(
  program: string,
  level: LogLevel,
  destination: DestinationStream = standardError(),
): Log {
  return pino(
    {
      name: program,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        // Pino's own redaction takes 2 µs for each key and line.
        log: (line) => withoutPersonal(line, 0) as Record<string, unknown>,
      },
      serializers: { err: (error: unknown) => error },
    },
    destination,
  )
}

function standardError(): DestinationStream {
  const destination = pino.destination({ fd: 2, sync: true })
  // A log that cannot be written (a full disk, a pipe nobody reads) must not take the program with it.
  destination.on('error', () => undefined)
  return destination
}

/** What is logged of a value: errors as pino writes them, nothing below a personal key. */
function withoutPersonal(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (ArrayBuffer.isView(value) || depth > maxDepth) return '[left out]'
  if (Array.isArray(value)) return value.map((item) => withoutPersonal(item, depth + 1))
  const plain: object = value instanceof Error ? pino.stdSerializers.err(value) : value
  return Object.fromEntries(
    Object.entries(plain).map(([key, part]) => [
      key,
      personalKeys.has(key) ? '[personal]' : withoutPersonal(part, depth + 1),
    ]),
  )
}
