import { describe, expect, test } from 'vitest'
import { sql } from 'kysely'
import { engines, newPlace, openTestbed, send } from '../../../testbed.testing.ts'
import { newCode, openRegistry, type Registry } from '../registry.testing.ts'
import { openBrowser } from './browser.testing.ts'
import { consentWording } from './consent.ts'

const pageOf = (code: string): string => `/digital/index.php?cod=${code}`
const right = { documento: '987654321' }
const wrong = { documento: '987654320' }
const consent = { acepto: 'si' }
const dayMs = 24 * 60 * 60_000

const registration = async ({ database: { db } }: Registry) => {
  const [row] = await db.selectFrom('digital_registrations').selectAll().orderBy('id').execute()
  if (row === undefined) throw new Error('no registration')
  const { state, wrong_proofs, started_at, completed_at } = row
  return { state, wrong_proofs, started_at, completed_at }
}
const consents = ({ database: { db } }: Registry) => db.selectFrom('digital_consents').selectAll().execute()
const audited = async ({ database: { db } }: Registry) => {
  const events = await db.selectFrom('audit_events').selectAll().orderBy('seq').execute()
  return events.filter(({ subject }) => subject.startsWith('digital')).map(({ action }) => action)
}

describe.each(engines)('the page behind Url, on %s', (engine) => {
  test('leads from generado over iniciado to completado', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const browser = openBrowser(bed.port)

    const first = await browser.open(pageOf(code))
    expect([first.status, first.heading]).toEqual([200, 'Valide su identidad'])
    expect(first.body).toContain('Banco Ejemplo S.A.')
    expect(first.body).toContain('31 de marzo de 2026')
    expect(await registration(bed)).toMatchObject({ state: 'generado', started_at: null })

    bed.clock.advance(60_000)
    const startedAt = bed.clock.now()
    const second = await browser.submit({ documento: ' 987.654-321 ' })
    expect([second.status, second.heading, second.address]).toEqual([200, 'Confirme sus datos', pageOf(code)])
    for (const shown of ['Jorge Salamanca', 'Cédula de ciudadanía', '987654321']) {
      expect(second.body).toContain(`>${shown}<`)
    }
    expect(second.body).toContain(consentWording.es('Banco Ejemplo S.A.'))
    expect(await registration(bed)).toMatchObject({ state: 'iniciado', started_at: startedAt })
    expect(await consents(bed)).toEqual([])

    bed.clock.advance(60_000)
    const completedAt = bed.clock.now()
    const third = await browser.submit(consent)
    expect([third.status, third.heading]).toEqual([200, 'Listo, su registro está completo'])
    expect(await registration(bed)).toEqual({
      state: 'completado',
      wrong_proofs: 0,
      started_at: startedAt,
      completed_at: completedAt,
    })
    expect(await consents(bed)).toEqual([
      {
        id: 1,
        registration_id: 1,
        wording_version: '1',
        language: 'es',
        wording: consentWording.es('Banco Ejemplo S.A.'),
        accepted_at: completedAt,
      },
    ])
    expect(await audited(bed)).toEqual([
      'digital-registration-created',
      'digital-registration-started',
      'digital-registration-completed',
    ])
    expect((await openBrowser(bed.port).open(pageOf(code))).heading).toBe('Listo, su registro está completo')
  })

  test('speaks English on request, and keeps the language of the consent', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const browser = openBrowser(bed.port)
    const first = await browser.open(pageOf(code))
    const link = /<a href="([^"]*)" lang="en"/.exec(first.body)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const headings = [
      (await browser.open(`/digital/index.php${link}`)).heading,
      (await browser.submit(right)).heading,
      (await browser.submit(consent)).heading,
    ]
    expect(headings).toEqual([
      'Validate your identity',
      'Confirm your data',
      'Done, your registration is complete',
    ])
    expect(await consents(bed)).toMatchObject([
      { language: 'en', wording: consentWording.en('Banco Ejemplo S.A.') },
    ])
    expect((await browser.open(`${pageOf(code)}&lang=es`)).heading).toBe('Listo, su registro está completo')
  })

  test('shows no more than a mask to whoever only has the link, also once somebody has begun', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const person = openBrowser(bed.port)
    await person.open(pageOf(code))
    for (const began of [false, true]) {
      if (began) await person.submit(right)
      const { body, heading } = await openBrowser(bed.port).open(pageOf(code))
      expect(heading).toBe('Valide su identidad')
      expect(body).toContain('J••• S•••')
      expect(body).toContain('termina en 21')
      for (const secret of ['orge', 'alamanca', '987654321', '7654']) expect(body).not.toContain(secret)
    }
  })

  test('shows nothing of the person once it is done', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const browser = openBrowser(bed.port)
    await browser.open(pageOf(code))
    await browser.submit(right)
    const { body } = await browser.submit(consent)
    for (const secret of ['Jorge', 'J•••', '21']) expect(body.split('<body>')[1]).not.toContain(secret)
  })

  test('a proof lasts a quarter of an hour, for its own registration alone', async () => {
    await using bed = await openRegistry({ engine })
    const [code, other] = [await newCode(bed.port), await newCode(bed.port)]
    const browser = openBrowser(bed.port)
    await browser.open(pageOf(code))
    await browser.submit(right)
    const { prueba = '' } = browser.hidden()
    expect((await browser.open(pageOf(other))).heading).toBe('Valide su identidad')

    bed.clock.advance(15 * 60_000 - 1)
    expect((await browser.open(pageOf(code))).heading).toBe('Confirme sus datos')
    bed.clock.advance(1)
    const late = await browser.submit(consent)
    expect([late.status, late.heading]).toEqual([400, 'Valide su identidad'])
    expect(late.body).toContain('Pasó demasiado tiempo')
    const later = prueba.replace(/^\d+/, (until) => String(Number(until) + 60_000))
    for (const forged of ['', later, 'x', `${prueba}x`, prueba.slice(0, -1)]) {
      const { heading } = await browser.open(pageOf(code), { cookie: `prueba=${forged}` })
      expect(heading).toBe('Valide su identidad')
    }
    expect(await registration(bed)).toMatchObject({ state: 'iniciado' })
    await browser.open(pageOf(code))
    expect((await browser.submit(right)).heading).toBe('Confirme sus datos')
  })

  test('a wrong number is told with the tries that are left, and the tenth locks the link', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const browser = openBrowser(bed.port)
    await browser.open(pageOf(code))
    for (const left of [9, 8, 7, 6, 5, 4, 3, 2]) {
      const seen = await browser.submit(wrong)
      expect([seen.status, seen.title]).toEqual([400, 'Error: Valide su identidad – Registro Digital'])
      expect(seen.body).toContain(`Le quedan ${String(left)} intentos.`)
    }
    expect((await browser.submit(wrong)).body).toContain('Le queda 1 intento.')
    const last = await browser.submit(wrong)
    expect([last.status, last.heading]).toEqual([403, 'El enlace quedó bloqueado'])
    for (const seen of [
      await browser.open(pageOf(code)),
      await browser.submit({ paso: 'documento', ...right }),
    ]) {
      expect([seen.status, seen.heading]).toEqual([403, 'El enlace quedó bloqueado'])
    }
    expect(await registration(bed)).toMatchObject({ state: 'generado', wrong_proofs: 10 })
    expect(await audited(bed)).toEqual(['digital-registration-created', 'digital-registration-locked'])
    await bed.audit.flush()
    expect(await audited(bed)).toContain('digital-registration-wrong-proof')
  })

  test('who has typed the right number goes on, even when a stranger locks the link', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const [person, stranger] = [openBrowser(bed.port), openBrowser(bed.port)]
    await person.open(pageOf(code))
    await person.submit(right)
    await stranger.open(pageOf(code))
    for (let time = 0; time < 10; time += 1) await stranger.submit({ paso: 'documento', ...wrong })
    expect((await stranger.open(pageOf(code))).heading).toBe('El enlace quedó bloqueado')
    expect((await person.open(pageOf(code))).heading).toBe('Confirme sus datos')
    expect((await person.submit(consent)).heading).toBe('Listo, su registro está completo')
  })

  test('tries that come together are counted one by one', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const sent = {
      path: pageOf(code),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'paso=documento&documento=1',
    }
    const answers = await Promise.all(Array.from({ length: 40 }, () => send(bed.port, sent)))
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(9)
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(31)
    expect(await registration(bed)).toMatchObject({ wrong_proofs: 10 })
  })

  test('a number left blank is no try', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const browser = openBrowser(bed.port)
    await browser.open(pageOf(code))
    for (const fields of [{}, { documento: '' }, { documento: ' . ' }]) {
      const { status, body } = await browser.submit(fields)
      expect(status).toBe(400)
      expect(body).toContain('Escriba su número de documento.')
    }
    expect(await registration(bed)).toMatchObject({ wrong_proofs: 0 })
  })

  test('without the consent, or with one to other words, nothing is completed', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const browser = openBrowser(bed.port)
    await browser.open(pageOf(code))
    await browser.submit(right)
    for (const [fields, told] of [
      [{}, 'marque que autoriza'],
      [{ ...consent, version: '0' }, 'El texto de la autorización cambió'],
    ] as const) {
      const seen = await browser.submit(fields)
      expect([seen.status, seen.heading]).toEqual([400, 'Confirme sus datos'])
      expect(seen.body).toContain(told)
    }
    expect(await registration(bed)).toMatchObject({ state: 'iniciado' })
    expect(await consents(bed)).toEqual([])
    expect((await browser.submit(consent)).heading).toBe('Listo, su registro está completo')
  })

  test('double clicks and the back button change nothing more', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const post = (fields: Record<string, string>) =>
      send(bed.port, { path: pageOf(code), headers: form, body: new URLSearchParams(fields).toString() })
    const first = { paso: 'documento', ...right }

    const starts = await Promise.all([post(first), post(first), post(first)])
    expect(starts.map(({ status }) => status)).toEqual([303, 303, 303])
    const { started_at } = await registration(bed)
    bed.clock.advance(5_000)
    expect((await post(first)).status).toBe(303)
    expect((await registration(bed)).started_at).toBe(started_at)

    const browser = openBrowser(bed.port)
    await browser.open(pageOf(code))
    await browser.submit(right)
    const last = { ...browser.hidden(), ...consent }
    const ends = await Promise.all([post(last), post(last), post(last)])
    expect(ends.map(({ status, headers }) => [status, headers.location])).toEqual(
      ends.map(() => [303, `?cod=${code}`]),
    )
    bed.clock.advance(5_000)
    expect([(await post(last)).status, (await post(first)).status]).toEqual([303, 303])
    expect(await consents(bed)).toHaveLength(1)
    expect(await audited(bed)).toEqual([
      'digital-registration-created',
      'digital-registration-started',
      'digital-registration-completed',
    ])
  })

  test('links expire after 30 days, unless they are done', async () => {
    await using bed = await openRegistry({ engine })
    const [code, done] = [await newCode(bed.port), await newCode(bed.port)]
    const finished = openBrowser(bed.port)
    await finished.open(pageOf(done))
    await finished.submit(right)
    await finished.submit(consent)
    const browser = openBrowser(bed.port)
    bed.clock.advance(30 * dayMs - 1)
    expect((await browser.open(pageOf(code))).status).toBe(200)
    bed.clock.advance(1)
    const late = await browser.submit(right)
    expect([late.status, late.heading]).toEqual([410, 'El enlace venció'])
    expect(late.body).toContain('30 días')
    expect((await browser.open(pageOf(code))).status).toBe(410)
    expect((await browser.open(pageOf(done))).status).toBe(200)
    expect(await audited(bed)).not.toContain('digital-registration-locked')
  })

  test('links of a suspended entity wait until it is active again', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const browser = openBrowser(bed.port)
    await browser.open(pageOf(code))
    await bed.accounts.setEntityActive(bed.entityId, false)
    const stopped = await browser.submit(right)
    expect([stopped.status, stopped.heading]).toEqual([403, 'El registro no está disponible'])
    await bed.accounts.setEntityActive(bed.entityId, true)
    await browser.open(pageOf(code))
    expect((await browser.submit(right)).status).toBe(200)
  })

  test('the ledger of consents cannot be rewritten', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    const browser = openBrowser(bed.port)
    await browser.open(pageOf(code))
    await browser.submit(right)
    await browser.submit(consent)
    const { db } = bed.database
    const change = db.updateTable('digital_consents').set({ wording: 'x' })
    await expect(change.execute()).rejects.toThrow('append-only')
    await expect(db.deleteFrom('digital_consents').execute()).rejects.toThrow('append-only')
  })

  test('a failing database is told kindly, in both languages, with an incident', async () => {
    await using bed = await openRegistry({ engine })
    const code = await newCode(bed.port)
    await sql`drop table digital_consents`.execute(bed.database.db)
    await sql`drop table digital_registrations`.execute(bed.database.db)
    const { status, heading, body } = await openBrowser(bed.port).open(pageOf(code))
    expect([status, heading]).toEqual([500, 'Algo falló de nuestro lado'])
    expect(body).toMatch(/mencione este número: [0-9a-f-]{36}[^]*Something failed on our side/)
    expect(body).not.toMatch(/table|relation/i)
  })
})

test('wrong numbers are counted together over all instances on one database', async () => {
  await using place = await newPlace('postgres')
  await using bed = await openRegistry({ engine: 'postgres', place })
  await using other = await openTestbed({ place, flags: { insecureLoopback: true } })
  const code = await newCode(bed.port)
  const browsers = [openBrowser(bed.port), openBrowser(other.port)]
  const told: string[] = []
  for (let time = 0; time < 5; time += 1) {
    for (const browser of browsers) {
      await browser.open(pageOf(code))
      told.push((await browser.submit(wrong)).heading)
    }
  }
  expect(told).toEqual([...Array<string>(9).fill('Valide su identidad'), 'El enlace quedó bloqueado'])
})
