/**
 * The baseline as a program of its own: a bare Fastify handler that stores the same rows in the same tables, one durable
 * transaction per request, and nothing else: no checks, no look-up of the client, no limit, no encryption, no log.
 *
 * Takes the path of a database that `vlt-server migrate` has made, or the URL of a PostgreSQL database.
 */
import Sqlite from 'better-sqlite3'
import { fastify } from 'fastify'
import pg from 'pg'

interface Body {
  codigoClienteVLT: number
  dni: string
  tipoDocumento: number
  tarjeta: string
}
type Store = (body: Body) => Promise<number> | number

const place = process.argv[2] ?? ''
const store = place.startsWith('postgres:') ? postgresStore(place) : sqliteStore(place)
const channels = ['whatsapp', 'email', 'sms']

function sqliteStore(path: string): Store {
  const database = new Sqlite(path)
  database.pragma('synchronous = full')
  database.pragma('journal_mode = wal')
  const client = database.prepare(
    `insert into clients (codigo_cliente_vlt, tipo_documento, dni_index, personal, active_card_uid, created_at)
       values (?, ?, ?, ?, ?, ?)`,
  )
  const card = database.prepare(
    'insert into cards (uid, client_id, tarjeta, registered_at) values (?, ?, ?, ?)',
  )
  const consent = database.prepare(
    `insert into consents (client_id, channel, granted, source, card_uid, recorded_at)
       values (?, ?, 1, 'vlt-clients', ?, ?)`,
  )
  const all = database.transaction((body: Body) => {
    const { codigoClienteVLT, tipoDocumento, dni, tarjeta } = body
    const at = new Date().toISOString()
    const values = [String(codigoClienteVLT), String(tipoDocumento), dni, JSON.stringify(body), tarjeta, at]
    const { lastInsertRowid: id } = client.run(values)
    card.run(tarjeta, id, tarjeta, at)
    for (const channel of channels) consent.run(id, channel, tarjeta, at)
    return Number(id)
  })
  return (body) => all(body)
}

function postgresStore(url: string): Store {
  // As many connections as the server has for its transactions.
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  return async (body) => {
    const { codigoClienteVLT, tipoDocumento, dni, tarjeta } = body
    const at = new Date().toISOString()
    const connection = await pool.connect()
    try {
      await connection.query('begin')
      const { rows } = await connection.query<{ id: number }>(
        `insert into clients (codigo_cliente_vlt, tipo_documento, dni_index, personal, active_card_uid, created_at)
           values ($1, $2, $3, $4, $5, $6) returning id`,
        [String(codigoClienteVLT), String(tipoDocumento), dni, JSON.stringify(body), tarjeta, at],
      )
      const id = rows[0]?.id ?? 0
      await connection.query(
        'insert into cards (uid, client_id, tarjeta, registered_at) values ($1, $2, $3, $4)',
        [tarjeta, id, tarjeta, at],
      )
      await connection.query(
        `insert into consents (client_id, channel, granted, source, card_uid, recorded_at)
           select $1, channel, 1, 'vlt-clients', $2, $3 from unnest($4::text[]) as all_channels (channel)`,
        [id, tarjeta, at, channels],
      )
      await connection.query('commit')
      return id
    } catch (error) {
      await connection.query('rollback')
      throw error
    } finally {
      connection.release()
    }
  }
}

const app = fastify()
app.post('/api/clientes/register', async (request, reply) => {
  const body = request.body as Body
  const id = await store(body)
  return reply.code(201).send({ id, tarjeta: body.tarjeta, mensaje: 'cliente nuevo', esDuplicado: false })
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
