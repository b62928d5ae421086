/** From the first touch to each end, with a finger on the page's own keyboard and real cards, and timed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProgram } from '../../demo/programs.ts'
import { sampleClient } from '../../demo/sample-client.ts'
import { ScriptedServer } from '../../agent/sync/scripted-server.testing.ts'
import { agentQueue, eventually } from '../lobby.ts'
import { fillIn, Hand, heading, openBrowser, openKiosk, openPage, person, type PersonField } from './kiosk.ts'
import { pictures } from './pictures.ts'

/** What a standing person takes for a touch on a known place, and to read a new screen; seconds, set high. */
const touchSeconds = 0.45
const readSeconds = 1.2
const tapSeconds = 3

let browser: Awaited<ReturnType<typeof openBrowser>>
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

interface Course {
  touches: number
  screens: number
}
const secondsOf = ({ touches, screens }: Course): number =>
  touches * touchSeconds + screens * readSeconds + tapSeconds

function report(what: string, course: Course): number {
  const seconds = secondsOf(course)
  console.log(
    `${what}: ${String(course.touches)} touches on ${String(course.screens)} screens and a card: ${seconds.toFixed(1)} s ` +
      `(${String(touchSeconds)} s a touch, ${String(readSeconds)} s a screen, ${String(tapSeconds)} s for the card)`,
  )
  return seconds
}

test(
  'a first registration takes less than a minute, another card of a client less than 25 s',
  { timeout: 90_000 },
  async () => {
    await using kiosk = await openKiosk({ pxPerMm: 5.9 })
    const page = await openPage(browser, kiosk)
    const hand = new Hand(page)
    const first = {
      codigoClienteVLT: '70123',
      dni: '44556677',
      nombre: 'María',
      apellidoPaterno: 'Quispe',
      apellidoMaterno: 'Núñez',
      correo: 'maria.q95@gmail.com',
      telefono: '',
      fechaNacimiento: '23041995',
    }
    let screens = 1
    await hand.touch('.start .primary')
    for (const [field, text] of Object.entries(first)) {
      await page.locator(`#${field}`).waitFor()
      await hand.type(text)
      await hand.next()
      screens += 1
    }
    await hand.touch('footer .primary')
    await page.locator('.consents').waitFor()
    await hand.touch('.consents .choice')
    await hand.touch('footer .primary')
    await page.locator('.tap').waitFor()
    screens += 3
    await kiosk.tap('A0C2BBCA')
    await page.locator('.outcome h1', { hasText: 'Listo' }).waitFor()
    expect(report('a new client', { touches: hand.touches, screens: screens + 1 })).toBeLessThan(60)

    // What the server holds is what was typed.
    const { body } = (await kiosk.ask('queue.show', { id: (await agentQueue(kiosk.data))[0]?.id })) as {
      body: Record<string, unknown>
    }
    expect(body).toEqual({
      codigoClienteVLT: 70123,
      correo: 'maria.q95@gmail.com',
      tarjeta: 'A0C2BBCA',
      enviarWhatsApp: true,
      enviarCorreo: false,
      enviarSms: false,
      tipoDocumento: 1,
      dni: '44556677',
      nombre: 'María',
      apellidoPaterno: 'Quispe',
      apellidoMaterno: 'Núñez',
      fechaNacimiento: '1995-04-23',
    })
    await page.locator('.outcome .primary').tap()

    const again = new Hand(page)
    await again.touch('.start .buttons button:last-child')
    await page.locator('#codigoClienteVLT').waitFor()
    await again.type('70123')
    await again.next()
    await page.locator('#correo').waitFor()
    await again.type('maria.q95@gmail.com')
    await again.next()
    await again.touch('footer .primary')
    await page.locator('.consents').waitFor()
    await again.touch('footer .primary')
    await page.locator('.tap').waitFor()
    await kiosk.tap('A0C2BBCB')
    await page.locator('.outcome h1', { hasText: 'Tarjeta nueva lista' }).waitFor()
    expect(report('a client with another card', { touches: again.touches, screens: 7 })).toBeLessThan(25)
  },
)

test('"saved" turns into "done" by itself once the network is back', async () => {
  await using kiosk = await openKiosk()
  const page = await openPage(browser, kiosk)
  await kiosk.network.cut()
  await fillIn(page, 'tap')
  await kiosk.tap('A0C2BBCA')
  await page.locator('.outcome h1', { hasText: 'Guardado' }).waitFor()
  const code = await page.locator('.code strong').innerText()
  expect(code).toMatch(/^[G-Z]{6}$/)
  await kiosk.network.join()
  await page.locator('.outcome h1', { hasText: 'Listo' }).waitFor({ timeout: 19_000 })
  expect(await page.locator('.code strong').innerText()).toBe(code)
  expect(await kiosk.ask('queue.show', { id: code })).toMatchObject({ state: 'delivered' })
})

test('green comes after the commit: with the disk slow to answer, the screen waits', async () => {
  await using kiosk = await openKiosk()
  const page = await openPage(browser, kiosk)
  await fillIn(page, 'tap')
  // Stopped, the agent has committed nothing.
  kiosk.agent().child.kill('SIGSTOP')
  const tapped = kiosk.tap('A0C2BBCA')
  expect(await page.locator('.outcome').count()).toBe(0)
  kiosk.agent().child.kill('SIGCONT')
  await tapped
  await page.locator('.outcome h1', { hasText: /Guardado|Listo/ }).waitFor()
  expect(await agentQueue(kiosk.data)).toHaveLength(1)
})

test('two cards at once are none; one alone is registered, and one right after it is said to be another', async () => {
  await using kiosk = await openKiosk()
  const page = await openPage(browser, kiosk)
  await fillIn(page, 'tap')
  await kiosk.simulate({ kind: 'raw', text: 'A0C2BBCA\rB1D3CCDB\r' })
  await page.locator('.outcome h1', { hasText: 'Hay dos tarjetas' }).waitFor()
  await page.locator('.outcome .next', { hasText: 'acerca solo una' }).waitFor()
  expect(await agentQueue(kiosk.data)).toEqual([])
  await page.locator('.outcome .primary').tap()
  await page.locator('.tap').waitFor()
  await kiosk.tap('C3E5DDEC')
  await page.locator('.outcome .code').waitFor()
  await kiosk.tap('D4F6EEFD')
  await page.locator('.outcome .strip', { hasText: 'solo cuenta la primera' }).waitFor()
  await page.locator('.outcome h1', { hasText: 'Listo' }).waitFor()
  await page.locator('.outcome .strip').waitFor()
  await page.locator('.outcome .primary').tap()
  await page.locator('.start').waitFor()
  const [only, ...others] = await agentQueue(kiosk.data)
  expect(others).toEqual([])
  expect(await kiosk.ask('queue.show', { id: only?.id })).toMatchObject({ body: { tarjeta: 'C3E5DDEC' } })
})

test('a card is told as seen before it is told as saved, and never the other way round', async () => {
  await using kiosk = await openKiosk()
  const page = await openPage(browser, kiosk)
  await page.evaluate(() => {
    const seen: string[] = []
    Object.assign(globalThis, { seen })
    new MutationObserver(() => {
      const title = document.querySelector('.outcome h1')?.textContent
      if (title !== undefined && seen.at(-1) !== title) seen.push(title)
    }).observe(document.body, { subtree: true, childList: true, characterData: true })
  })
  await fillIn(page, 'tap')
  await kiosk.tap('A0C2BBCA')
  await page.locator('.outcome h1', { hasText: 'Listo' }).waitFor()
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen)
  expect([seen[0], seen.at(-1)]).toEqual(['Leyendo tu tarjeta', 'Listo'])
})

test('a kiosk that has joined tells whose card it is, also of whom it has never seen', async () => {
  await using kiosk = await openKiosk()
  const made = await runProgram('server', ['kiosk', 'code', '--activate', '--data', kiosk.serverData])
  const joining = ['join', '--server-url', kiosk.network.url, '--code-file', '-', '--data', kiosk.data]
  expect(await runProgram('agent', joining, { input: made.stdout })).toMatchObject({ code: 0 })
  // Registered elsewhere.
  for (const [codigo, tarjeta] of [
    [70_500, 'A0C2BB50'],
    [70_501, 'A0C2BB51'],
  ] as const) {
    const body = JSON.stringify({ ...(JSON.parse(sampleClient(codigo)) as object), tarjeta })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${kiosk.server.url}/api/clientes/register`, { method: 'POST', headers, body })
    expect(answer.status).toBe(201)
  }
  const page = await openPage(browser, kiosk)
  for (const [card, title] of [
    ['A0C2BB50', 'Ya era tuya'],
    ['A0C2BB51', 'Tarjeta de otra persona'],
  ] as const) {
    await page.locator('.start .buttons button:last-child').tap()
    for (const [field, text] of [
      ['codigoClienteVLT', '70500'],
      ['correo', 'a@b.pe'],
    ] as const) {
      await page.locator(`#${field}`).waitFor()
      await page.keyboard.type(text)
      await page.keyboard.press('Enter')
    }
    await page.locator('footer .primary').tap()
    await page.locator('.consents').waitFor()
    await page.locator('footer .primary').tap()
    await page.locator('.tap').waitFor()
    await kiosk.tap(card)
    await page.locator('.outcome h1', { hasText: title }).waitFor()
    await page.locator('.outcome .primary').tap()
  }
})

test('what the server refuses for good is told, with the code for the staff', async () => {
  await using scripted = await ScriptedServer.open()
  scripted.answer = () => ({ status: 422, body: '{"message":"no","errors":{"correo":["no"]}}' })
  await using kiosk = await openKiosk({ serverUrl: scripted.url })
  const page = await openPage(browser, kiosk)
  await fillIn(page, 'tap')
  await kiosk.tap('A0C2BBCA')
  await page.locator('.outcome h1', { hasText: 'No se pudo registrar' }).waitFor()
  expect(await page.locator('.code strong').innerText()).toMatch(/^[G-Z]{6}$/)
  await pictures(page, 'rejected')
})

test('wrong answers keep what was typed, say how to mend it, and lead back from the review', async () => {
  await using kiosk = await openKiosk()
  const page = await openPage(browser, kiosk)
  await fillIn(page, 'correo', { ...person, correo: 'nusta.q@' })
  await page.keyboard.press('Enter')
  await page.locator('.complaint', { hasText: 'nombre@correo.com' }).waitFor()
  expect(await page.locator('#correo').inputValue()).toBe('nusta.q@')
  expect(await page.locator('#correo').getAttribute('aria-invalid')).toBe('true')
  await page.keyboard.type('gmail.com')
  for (const field of ['telefono', 'fechaNacimiento']) {
    await page.keyboard.press('Enter')
    await page.locator(`#${field}`).waitFor()
  }
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Cambiar: Nombres' }).tap()
  expect(await page.locator('#nombre').inputValue()).toBe(person.nombre)
  await page.keyboard.type(' Luz')
  await page.keyboard.press('Enter')
  expect(await page.locator('dl').innerText()).toContain('Ñusta María Luz')
  expect(await heading(page)).toBe('Revisa tus datos')
})

test('a passport is typed on one plane of keys, in capitals', async () => {
  await using kiosk = await openKiosk()
  const page = await openPage(browser, kiosk)
  await page.locator('.start .primary').tap()
  await page.locator('#codigoClienteVLT').waitFor()
  const hand = new Hand(page)
  await hand.type('70123')
  await hand.next()
  await page.locator('.choice', { hasText: 'Pasaporte' }).tap()
  await hand.type('AB12345X')
  await page.keyboard.type('y')
  expect(await page.locator('#dni').inputValue()).toBe('AB12345XY')
  // Eight keys and no key to switch planes; five digits and Continue before.
  expect(hand.touches).toBe(14)
  await hand.next()
  await page.locator('#nombre').waitFor()
})

test('a card before its time is no harm: the form says so and goes on', async () => {
  await using kiosk = await openKiosk()
  const page = await openPage(browser, kiosk)
  await fillIn(page, 'nombre' satisfies PersonField)
  await kiosk.tap('A0C2BBCA')
  await page.locator('.strip', { hasText: 'Aún no' }).waitFor()
  await page.locator('.strip').waitFor({ state: 'detached', timeout: 8_000 })
  await page.locator('.hint', { hasText: 'Como en tu documento' }).waitFor()
  expect(await page.locator('#nombre').inputValue()).toBe(person.nombre)
  expect(await agentQueue(kiosk.data)).toEqual([])
})

test('by a keyboard alone, from the welcome to the card', async () => {
  await using kiosk = await openKiosk()
  const page = await openPage(browser, kiosk)
  await tabTo(page, 'Quiero registrarme')
  await page.keyboard.press('Enter')
  for (const [field, value] of Object.entries(person)) {
    await page.locator(`#${field}`).waitFor()
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe(field)
    await page.keyboard.type(value)
    await page.keyboard.press('Enter')
  }
  await page.locator('dl').waitFor()
  await tabTo(page, 'Continuar')
  await page.keyboard.press('Enter')
  await page.locator('.consents').waitFor()
  // The heading takes the focus a moment after it is there.
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('H1')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Space')
  expect(await page.locator('.consents input').first().isChecked()).toBe(true)
  await tabTo(page, 'Continuar a la tarjeta')
  await page.keyboard.press('Enter')
  await page.locator('.tap').waitFor()
  await kiosk.tap('A0C2BBCA')
  await page.locator('.outcome h1', { hasText: 'Listo' }).waitFor()
  await tabTo(page, 'Terminar')
  await page.keyboard.press('Enter')
  await page.locator('.start').waitFor()
  await eventually(async () => (await agentQueue(kiosk.data)).length === 1)
})

test('at 200 % zoom everything is there, below each other and never beside the screen', async () => {
  await using kiosk = await openKiosk({ pxPerMm: 5.9 })
  const page = await openPage(browser, kiosk)
  // Twice as large is half the screen to the page.
  await page.setViewportSize({ width: 640, height: 400 })
  const hand = new Hand(page)
  const fits = async (): Promise<void> => {
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    )
  }
  await fits()
  await hand.touch('.start .primary')
  for (const [field, value] of Object.entries(person)) {
    await page.locator(`#${field}`).waitFor()
    await fits()
    await page.keyboard.type(value)
    await hand.next()
  }
  await page.locator('dl').waitFor()
  await fits()
  await hand.touch('footer .primary')
  await page.locator('.consents').waitFor()
  await hand.touch('.consents .choice')
  await fits()
  await hand.touch('footer .primary')
  await page.locator('.tap').waitFor()
  await fits()
  await kiosk.tap('A0C2BBCA')
  await page.locator('.outcome h1', { hasText: 'Listo' }).waitFor()
  await fits()
  await hand.touch('.outcome .primary')
})

test('nothing moves for who asked for less motion', async () => {
  await using kiosk = await openKiosk()
  const page = await openPage(browser, kiosk)
  await fillIn(page, 'tap')
  const moving = (): Promise<number> => page.evaluate(() => document.getAnimations().length)
  expect(await moving()).toBeGreaterThan(0)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  expect(await moving()).toBe(0)

  // The last seconds of an outcome are counted all the same.
  await kiosk.tap('A0C2BBCA')
  await page.locator('.outcome h1', { hasText: 'Listo' }).waitFor()
  const seconds = async (): Promise<number> => Number(await page.locator('.ring span').innerText())
  const first = await seconds()
  await expect.poll(seconds).toBeLessThan(first)
  expect(await moving()).toBe(0)
  await page.emulateMedia({ reducedMotion: 'no-preference' })
  await expect.poll(moving).toBeGreaterThan(0)
})

async function tabTo(page: Awaited<ReturnType<typeof openPage>>, name: string): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate(() => document.activeElement?.textContent)) === name) return
  }
  throw new Error(`the focus never comes to ${name}`)
}
