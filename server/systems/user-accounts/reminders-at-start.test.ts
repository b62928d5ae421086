import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { openPlace } from '../../place.testing.ts'
import { engines } from '../../testbed.testing.ts'
import { dayAt, daysBefore } from './calendar.ts'
import { johndoe, licence, registerAccount } from './registering.testing.ts'

describe.each(engines)('on %s', (engine) => {
  test('a server that starts makes up for what is due, once however often it starts', async () => {
    await using place = await openPlace(engine)
    const first = await place.serve()
    const licenciaFechaVencimiento = daysBefore(dayAt(new Date().toISOString()), -7)
    const body = johndoe({ ...licence, licenciaFechaVencimiento })
    expect((await registerAccount({ port: first.port ?? 0 }, body)).status).toBe(201)
    first.process.kill('SIGTERM')
    await first.ended

    const mails = join(place.folder, 'mail')
    for (let time = 0; time < 2; time += 1) {
      const server = await place.serve()
      await vi.waitFor(
        () => {
          expect(readdirSync(mails).filter((name) => name.endsWith('.eml'))).toHaveLength(1)
        },
        { timeout: 10_000, interval: 50 },
      )
      server.process.kill('SIGTERM')
      expect(await server.ended).toBe(0)
      expect(server.stderr().includes('licence reminders queued')).toBe(time === 0)
      expect(server.stderr()).not.toContain('john')
    }
    const [name = ''] = readdirSync(mails).filter((file) => file.endsWith('.eml'))
    const text = readFileSync(join(mails, name), 'utf8')
    expect(text).toMatch(/^To: john@example\.com\r?$/m)
    expect(text.replace(/=\r?\n/g, '')).toContain('Su licencia de conducir vence en 7 d')
  }, 60_000)
})
