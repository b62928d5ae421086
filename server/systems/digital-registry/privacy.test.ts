import { describe, expect, test } from 'vitest'
import { createPrivacy } from '../../privacy/privacy.ts'
import { engines } from '../../testbed.testing.ts'
import { openBrowser } from './page/browser.testing.ts'
import { findRegistrationHolding } from './privacy.ts'
import { ask, newCode, openRegistry, type Registry } from './registry.testing.ts'

const privacy = (bed: Registry) => createPrivacy(bed, bed.clock)
const link = (code: string) => `/digital/index.php?cod=${code}`

/** The document's citizen, who confirms what the link shows. */
async function complete(bed: Registry, code: string): Promise<void> {
  const browser = openBrowser(bed.port)
  await browser.open(link(code))
  await browser.submit({ documento: '987654321' })
  const { heading } = await browser.submit({ acepto: 'si' })
  expect(heading).toBe('Listo, su registro está completo')
}

describe.each(engines)('on %s', (engine) => {
  test('an export holds the person, the consent and the kept answer', async () => {
    await using bed = await openRegistry({ engine })
    const { body } = await ask(bed.port, {}, { headers: { 'idempotency-key': 'k' } })
    const { Codigo: code } = (JSON.parse(body) as { data: { Codigo: string } }).data
    await complete(bed, code)
    const at = bed.clock.now()
    expect(await privacy(bed).export(findRegistrationHolding, ` ${code.toLowerCase()} `)).toMatchObject({
      subject: 'digital-registration 1',
      registration: {
        id: 1,
        state: 'completado',
        createdAt: at,
        completedAt: at,
        erased: false,
        person: { Dni: '987654321', TipoDni: 1, Nombres: 'Jorge Salamanca' },
      },
      consent: { language: 'es', acceptedAt: at },
      keptAnswers: [{ idempotencyKey: 'k', body: { data: { Codigo: code } } }],
    })
  })

  test('an erased person is gone, the link leads nowhere, and the consent stays', async () => {
    await using bed = await openRegistry({ engine })
    const [done, open] = [await newCode(bed.port), await newCode(bed.port)]
    await ask(bed.port, {}, { headers: { 'idempotency-key': 'k' } })
    await complete(bed, done)
    for (const code of [done, open]) {
      expect(await privacy(bed).erase(findRegistrationHolding, code)).toBe(true)
      expect(await privacy(bed).erase(findRegistrationHolding, code)).toBe(false)
      expect((await openBrowser(bed.port).open(link(code))).status).toBe(404)
      const left = JSON.stringify(await privacy(bed).export(findRegistrationHolding, code))
      expect(left).not.toMatch(/987654321|Jorge/)
    }
    const rows = await bed.database.db.selectFrom('digital_registrations').selectAll().orderBy('id').execute()
    expect(rows.map(({ personal }) => personal === '')).toEqual([true, true, false])
    expect(new Set(rows.map(({ dni_index }) => dni_index)).size).toBe(3)
    expect(await bed.database.db.selectFrom('digital_consents').selectAll().execute()).toHaveLength(1)
    // The third registration of the same person is another one.
    expect(await bed.database.db.selectFrom('idempotency_keys').selectAll().execute()).toHaveLength(1)
  })

  test.for(['', 'AAAAAAAAAAAAA', '1', 'x'.repeat(1_000)])('%j is nobody', async (code) => {
    await using bed = await openRegistry({ engine })
    await newCode(bed.port)
    await expect(privacy(bed).export(findRegistrationHolding, code)).rejects.toMatchObject({
      code: 'person-unknown',
    })
  })
})
