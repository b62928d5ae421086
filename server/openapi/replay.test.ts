import { describe, expect, test } from 'vitest'
import { createClientSecrets } from '../client-secrets/client-secrets.ts'
import { newKey, publicPart } from '../../shared/http-signatures/ed25519.ts'
import { newCode, sign, TestKiosk } from '../kiosks/kiosk.testing.ts'
import { openMail } from '../mail/mailbox.ts'
import { createAccounts } from '../systems/digital-registry/accounts/accounts.ts'
import { engines, openTestbed, register, send, type Received, type Testbed } from '../testbed.testing.ts'
import { type Answered, departures, operations } from './document.testing.ts'

/** What an example cannot say: what earlier steps and the operator gave out. */
interface Given {
  headers?: Record<string, string>
  body?: Record<string, unknown>
}

const given: Record<string, (bed: Testbed, before: Answered | undefined) => Promise<Given> | Given> = {
  verifyCustomer: async ({ database, vault }) => {
    const [row] = await database.db
      .selectFrom('mails')
      .select(['message_id as messageId', 'content'])
      .execute()
    const text = row === undefined ? '' : (openMail(vault, row)?.text ?? '')
    return { body: { codigo: /\b\d{3} ?\d{3}\b/.exec(text)?.[0] } }
  },
  createCustomer: (_bed, before) => {
    const name = 'x-registration-ticket'
    return { headers: { [name]: String(before?.headers[name]) } }
  },
  createDigitalRegistration: async (bed) => {
    const accounts = createAccounts(bed, bed.clock)
    const { id: entityId } = await accounts.addEntity('An entity')
    const credentials = { username: '123456789', password: 'MiClaveSegura' }
    await accounts.addApiUser({ ...credentials, entityId, api: true })
    return {}
  },
  whoAmI: (_bed, before) => {
    const { token } = before?.body as { token: string }
    return { headers: { authorization: `Bearer ${token}` } }
  },
  authenticateCard: async (bed) => {
    await register(bed.port)
    const { secret } = await createClientSecrets(bed, bed.clock).add('a lobby')
    return { headers: { 'x-client-secret': secret } }
  },
}

/** Kiosks sign what they send: by the example, and by what is new each time. */
const kiosks = new WeakMap<Testbed, TestKiosk>()
for (const { operation, path } of operations.filter(({ operation }) => operation.tags.includes('kiosks'))) {
  given[operation.operationId] = async (bed) => {
    const [example] = Object.values(operation.requestBody?.content['application/json']?.examples ?? {})
    const kiosk = kiosks.get(bed) ?? new TestKiosk(bed.port)
    kiosks.set(bed, kiosk)
    const next = newKey()
    const own =
      operation.operationId === 'joinKiosk'
        ? { code: await newCode(bed), publicKey: publicPart(kiosk.key) }
        : operation.operationId === 'rotateKioskKey'
          ? { publicKey: publicPart(next) }
          : {}
    const body = { ...(example?.value as object), ...own }
    const sequence = operation.operationId === 'joinKiosk' ? 0 : (kiosk.sequence += 1)
    const signing = {
      sequence,
      key: kiosk.key,
      ...(operation.operationId === 'rotateKioskKey' && { newKey: next }),
    }
    return { headers: sign(bed.port, path, JSON.stringify(body), signing), body }
  }
}

function answered({ status, headers, body }: Received): Answered {
  if (body === '') return { status, headers, body: null }
  const isJson = headers['content-type']?.startsWith('application/json') === true
  return { status, headers, body: isJson ? JSON.parse(body) : body }
}

const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))]

describe.each(engines)('the examples of the document, sent to a server on %s,', (engine) => {
  test.for(tags)('succeed, and are answered as documented: %s', async (tag) => {
    await using bed = await openTestbed({ engine, flags: { insecureLoopback: true } })
    let before: Answered | undefined
    for (const placed of operations.filter(({ operation }) => operation.tags.includes(tag))) {
      const { method, path, operation } = placed
      const { headers, body } = (await given[operation.operationId]?.(bed, before)) ?? {}
      const examples = Object.values(operation.requestBody?.content['application/json']?.examples ?? {})
      for (const [place, example] of [undefined, ...examples].slice(examples.length > 0 ? 1 : 0).entries()) {
        const received = answered(
          await send(bed.port, {
            method,
            path,
            headers: { 'content-type': 'application/json', ...headers },
            body: example === undefined ? '' : JSON.stringify({ ...(example.value as object), ...body }),
          }),
        )
        expect(departures(placed, received), `${operation.operationId} ${String(place)}`).toEqual([])
        if (place > 0) continue
        expect(received.status, `${operation.operationId}: ${JSON.stringify(received.body)}`).toBeLessThan(
          300,
        )
        before = received
      }
    }
  })
})
