import { randomBytes } from 'node:crypto'

export interface Canary {
  name: string
  value: string
  /** Whether it may stand in the database as it is. */
  storedInClear: boolean
}

/** Values that nobody else would write: where one turns up, it got there from a request. */
export interface Canaries {
  /** Text of letters and digits, up to 20 characters, for a personal field. */
  text(name: string): string
  email(name: string): string
  /** One that has to have a form of its own, or that the server gave out. */
  plant(name: string, value: string, storedInClear?: boolean): string
  readonly all: readonly Canary[]
  /** Names of those that stand in these bytes, in any of the forms in which programs write bytes down. */
  sungIn(bytes: Buffer | string, among?: (canary: Canary) => boolean): string[]
}

export function createCanaries(): Canaries {
  const flock = randomBytes(3).toString('hex')
  const all: Canary[] = []
  const plant = (name: string, value: string, storedInClear = false): string => {
    all.push({ name, value, storedInClear })
    return value
  }
  return {
    text: (name) => plant(name, `canary${String(all.length)}x${flock}`),
    email: (name) => plant(name, `canary${String(all.length)}x${flock}@birds.example`),
    plant,
    all,
    sungIn(bytes, among = () => true) {
      const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1')
      const folded = text.toLowerCase()
      return all
        .filter(among)
        .filter(({ value }) => (value.length < 8 ? standsAlone(text, value) : stands(text, folded, value)))
        .map(({ name }) => name)
    },
  }
}

function stands(text: string, folded: string, value: string): boolean {
  const bytes = Buffer.from(value)
  return (
    folded.includes(value.toLowerCase()) ||
    folded.includes(bytes.toString('hex')) ||
    [',', ', ', ' '].some((gap) => text.includes([...bytes].join(gap))) ||
    base64Forms(value).some((form) => text.includes(form))
  )
}

/** Something short, such as a code of six digits, comes up in random ids by chance. */
function standsAlone(text: string, value: string): boolean {
  return new RegExp(`(?<![0-9a-z])${value}(?![0-9a-z])`, 'i').test(text)
}

/** How a value looks inside of base64: that depends on where its first byte falls. */
function base64Forms(value: string): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)])
    // What the neighbours on both sides decide is left away.
    const inner = (text: string): string =>
      text.slice(offset === 0 ? 0 : offset + 1, (bytes.length * 4) / 3 - 2)
    return [inner(bytes.toString('base64')), inner(bytes.toString('base64url'))]
  })
}
