/** The baseline as a program of its own: a bare Fastify handler that stores the same rows, one commit per request. */
import Sqlite from 'better-sqlite3'
import { fastify } from 'fastify'

const database = new Sqlite(process.argv[2])
database.pragma('synchronous = FULL')
database.pragma('journal_mode = WAL')
database.exec(`
  CREATE TABLE clients (id INTEGER PRIMARY KEY, codigo TEXT UNIQUE, dni TEXT, body TEXT);
  CREATE TABLE cards (uid TEXT PRIMARY KEY, client_id INTEGER);
  CREATE TABLE consents (id INTEGER PRIMARY KEY, client_id INTEGER, channel TEXT, granted INTEGER)`)
const client = database.prepare('INSERT INTO clients (codigo, dni, body) VALUES (?, ?, ?)')
const card = database.prepare('INSERT INTO cards VALUES (?, ?)')
const consent = database.prepare('INSERT INTO consents (client_id, channel, granted) VALUES (?, ?, 1)')
const store = database.transaction((codigo: number, dni: string, body: string, uid: string) => {
  const { lastInsertRowid } = client.run(String(codigo), dni, body)
  card.run(uid, lastInsertRowid)
  for (const channel of ['whatsapp', 'email', 'sms']) consent.run(lastInsertRowid, channel)
  return Number(lastInsertRowid)
})

const app = fastify()
app.post('/api/clientes/register', (request, reply) => {
  const body = request.body as { codigoClienteVLT: number; dni: string; tarjeta: string }
  const id = store(body.codigoClienteVLT, body.dni, JSON.stringify(body), body.tarjeta)
  return reply.code(201).send({ id, tarjeta: body.tarjeta, mensaje: 'cliente nuevo', esDuplicado: false })
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
