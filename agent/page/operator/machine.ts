/** What the machine lets an operator set: the page's own volume always, brightness where the screen has one. */
import { accessSync, constants, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readRecord, writeRecord } from './record.ts'

const share = z.number().min(0).max(1)
const settings = z.object({ volume: share })
/** Darker than this nobody finds the way back, as a share of full. */
const minBrightness = 0.1

export class Machine {
  readonly #path: string
  readonly #backlight: string | undefined
  #volume: number

  /** @param backlights the kernel's folder of screens; each has `brightness` and `max_brightness` */
  constructor(data: string, backlights = '/sys/class/backlight') {
    this.#path = join(data, 'page-settings.json')
    this.#volume = readRecord(this.#path, settings)?.volume ?? 1
    this.#backlight = findBacklight(backlights)
  }

  /** Of the page's sounds, 0 to 1. */
  get volume(): number {
    return this.#volume
  }

  setVolume(volume: number): void {
    writeRecord(this.#path, { volume })
    this.#volume = volume
  }

  /** 0 to 1; null where this user may not set it. */
  get brightness(): number | null {
    if (this.#backlight === undefined) return null
    return read(this.#backlight, 'brightness') / read(this.#backlight, 'max_brightness')
  }

  setBrightness(level: number): void {
    if (this.#backlight === undefined) return
    const most = read(this.#backlight, 'max_brightness')
    const value = Math.round(Math.max(minBrightness, level) * most)
    writeFileSync(join(this.#backlight, 'brightness'), String(value))
  }
}

function read(folder: string, name: string): number {
  return Number(readFileSync(join(folder, name), 'utf8'))
}

function findBacklight(folder: string): string | undefined {
  try {
    return readdirSync(folder)
      .map((name) => join(folder, name))
      .find((path) => {
        accessSync(join(path, 'brightness'), constants.R_OK | constants.W_OK)
        return read(path, 'max_brightness') > 0
      })
  } catch {
    // Most machines have no backlight of their own, and the agent's sandbox hides that of others.
    return undefined
  }
}
