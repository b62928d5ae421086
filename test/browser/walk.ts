/** Every screen of the kiosk, in the order in which one walk passes them all. */
import { statfsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { startProgram } from '../../demo/programs.ts'
import { sampleClient } from '../../demo/sample-client.ts'
import { setPin } from '../../agent/page/operator/pin.ts'
import { fillIn, person, type Kiosk, type Person, type PersonField } from './kiosk.ts'

export const pin = '314159'

const outcome = (page: Page, title: string) => page.locator('.outcome h1', { hasText: title }).waitFor()
const done = async (page: Page): Promise<void> => {
  await page.locator('.outcome .primary').tap()
  await page.locator('.start').waitFor()
}
const another = (codigo: string): Person => ({ ...person, codigoClienteVLT: codigo, dni: `7${codigo}11` })

/**
 * Goes through all screens of one kiosk, whose data folder is a small disk and whose server gave it a client secret,
 * and calls `visit` on each.
 */
export async function walk(
  page: Page,
  kiosk: Kiosk,
  visit: (screen: string) => Promise<void>,
): Promise<void> {
  await page.locator('.start').waitFor()
  await visit('start')
  await page.locator('.corner button').first().tap()
  await visit('start-en')
  await page.locator('.corner button').first().tap()

  await page.locator('.start .primary').tap()
  for (const [field, value] of Object.entries(person) as [PersonField, string][]) {
    await page.locator(`#${field}`).waitFor()
    if (field === 'dni') {
      await page.keyboard.type('445')
      await page.keyboard.press('Enter')
      await page.locator('.complaint').waitFor()
      await visit('dni-complaint')
      await page.locator('.choice', { hasText: 'Pasaporte' }).tap()
      await visit('dni-passport')
      await page.locator('.choice', { hasText: 'DNI' }).tap()
      await page.locator('#dni').fill('')
    }
    await page.keyboard.type(value)
    await visit(field)
    await page.keyboard.press('Enter')
  }
  await page.locator('dl').waitFor()
  await visit('review')
  await page.locator('footer .primary').tap()
  await page.locator('.consents').waitFor()
  await page.locator('.consents .choice').first().tap()
  await visit('consents')
  await page.locator('footer .primary').tap()
  await page.locator('.tap').waitFor()
  await visit('tap')
  await kiosk.simulate({ kind: 'raw', text: 'A0C2BB0E\rA0C2BB0F\r' })
  await outcome(page, 'Hay dos tarjetas')
  await visit('two-cards')
  await page.locator('.outcome .primary').tap()
  await page.locator('.tap').waitFor()
  await kiosk.tap('A0C2BB01')
  await outcome(page, 'Listo')
  await visit('registered')
  await done(page)

  for (const [name, title, codigo, card] of [
    ['card-added', 'Tarjeta nueva lista', '70123', 'A0C2BB02'],
    ['already-yours', 'Ya era tuya', '70123', 'A0C2BB02'],
    ['duplicate', 'Tarjeta ya registrada', '70124', 'A0C2BB02'],
    [undefined, 'Listo', '70125', 'A0C2BB03'],
    ['card-taken', 'Tarjeta de otra persona', '70125', 'A0C2BB02'],
  ] as const) {
    await fillIn(page, 'tap', another(codigo))
    await kiosk.tap(card)
    await outcome(page, title)
    if (name !== undefined) await visit(name)
    await done(page)
  }

  for (const [name, title, card] of [
    ['card-active', 'Tarjeta activa', 'A0C2BB02'],
    ['card-inactive', 'Tarjeta no activa', 'A0C2BB01'],
    ['card-unknown', 'Tarjeta sin registrar', 'A0C2BBFF'],
    ['random', 'Usa la tarjeta, no el teléfono', '0824A937'],
  ] as const) {
    await kiosk.tap(card)
    await outcome(page, title)
    await visit(name)
    await done(page)
  }
  await kiosk.simulate({ kind: 'raw', text: 'garbage\r' })
  await outcome(page, 'No se leyó bien')
  await visit('unclear')
  await done(page)

  await kiosk.simulate({ kind: 'unplug', forMs: 3_000 })
  await outcome(page, 'El lector no responde')
  await visit('no-reader')
  await page.locator('.start').waitFor()

  const late = startProgram('agent', ['enroll', '--from', '-', '--timeout', '1', '--data', kiosk.data], {
    input: sampleClient(70_200),
  })
  await outcome(page, 'Se acabó el tiempo')
  await late.exited
  await visit('expired')
  await done(page)

  await kiosk.network.cut()
  await fillIn(page, 'tap', another('70126'))
  await kiosk.tap('A0C2BB04')
  await outcome(page, 'Guardado')
  await visit('saved')
  await done(page)
  await fillIn(page, 'tap', another('70127'))
  await kiosk.tap('A0C2BB06')
  await outcome(page, 'Guardado')
  await kiosk.tap('A0C2BB07')
  await page.locator('.outcome .strip').waitFor()
  await visit('second-card')
  await done(page)
  await page.locator('.start .strip').waitFor()
  await visit('start-offline')
  await kiosk.tap('A0C2BB05')
  await outcome(page, 'Tarjeta leída')
  await visit('unclaimed')
  await done(page)
  await kiosk.network.join()

  const { bavail, bsize } = statfsSync(kiosk.data)
  writeFileSync(join(kiosk.data, 'ballast'), Buffer.alloc(bavail * bsize - 1024 * 1024))
  await page.locator('.start .primary').tap()
  await outcome(page, 'Ahora no podemos registrar')
  await visit('cannot-store')
  await page.locator('.outcome .primary').tap()
  rmSync(join(kiosk.data, 'ballast'))

  await page.locator('.start').waitFor()
  await page.locator('.corner button').last().tap()
  await page.locator('#pin').waitFor()
  await visit('operator-pin')
  await setPin(kiosk.data, pin)
  await page.keyboard.type(pin)
  await page.keyboard.press('Enter')
  await page.locator('.tiles').waitFor()
  await kiosk.tap('A0C2BB04')
  await kiosk.simulate({ kind: 'raw', text: 'garbage\r' })
  await page.locator('.lines li', { hasText: 'No es una tarjeta' }).waitFor()
  await page.locator('.tiles button', { hasText: 'Probar' }).tap()
  await page.locator('.test').waitFor()
  await visit('operator')
  await page.locator('.operator header button').tap()
  await page.locator('main').first().waitFor()

  await kiosk.kill()
  await page.locator('.closed:visible').waitFor()
  await visit('out-of-service')
  await kiosk.start()
  await page.locator('.start').waitFor()
}
