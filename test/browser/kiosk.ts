/** The lobby screen in a real Chromium, on a real agent with a simulated reader and a server behind a cable that can be cut. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import type { AgentStatus } from '../../agent/status.ts'
import { call } from '../../agent/control/client.ts'
import { socketPath } from '../../agent/control/protocol.ts'
import { CuttableNetwork } from '../../demo/cuttable-network.ts'
import { runProgram, startAgent, startServer, type RunningProgram } from '../../demo/programs.ts'
import { smallDisk, temporaryFolder } from '../lobby.ts'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--js-flags=--expose-gc',
]

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: '/usr/bin/chromium', args: flags })

/** The three panels of docs/screens: a pillar, a desk, a tablet; pixels of a millimetre as they have them. */
export const panels = {
  pillar: { width: 1080, height: 1920, pxPerMm: 4.05 },
  desk: { width: 1920, height: 1080, pxPerMm: 4.05 },
  tablet: { width: 1280, height: 800, pxPerMm: 5.9 },
} as const
export type Panel = keyof typeof panels

export interface Kiosk extends AsyncDisposable {
  data: string
  serverData: string
  url: string
  network: CuttableNetwork
  server: RunningProgram & { url: string }
  agent: () => RunningProgram
  /** Kills the agent as a power cut would, and starts it on the same port. */
  kill: () => Promise<void>
  start: () => Promise<void>
  tap: (card: string) => Promise<void>
  simulate: (action: Record<string, unknown>) => Promise<void>
  ask: (method: string, params?: Record<string, unknown>) => Promise<unknown>
  status: () => Promise<AgentStatus>
}

const port = async (): Promise<number> => {
  await using probe = new CuttableNetwork('http://127.0.0.1:1')
  await probe.join()
  return Number(new URL(probe.url).port)
}

export async function openKiosk(
  options: {
    pxPerMm?: number
    agentArgs?: string[]
    withSecret?: boolean
    diskSize?: string
    serverUrl?: string
    reader?: string
  } = {},
): Promise<Kiosk> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('kiosk'))
  const [data, serverData] = [join(folder.path, 'agent'), join(folder.path, 'server')]
  const secretFile = join(folder.path, 'client-secret')
  if (options.withSecret === true) {
    const args = ['client-secret', 'add', '--name', 'lobby', '--data', serverData, '--json']
    await runProgram('server', ['migrate', '--data', serverData])
    const { secret } = JSON.parse((await runProgram('server', args)).stdout) as { secret: string }
    writeFileSync(secretFile, secret, { mode: 0o600 })
  }
  if (options.diskSize !== undefined) stack.use(smallDisk(data, options.diskSize))
  const server = stack.use(await startServer(serverData, { args: ['--vlt-rate-limit', '100000'] }))
  const network = stack.use(new CuttableNetwork(server.url))
  await network.join()
  const pagePort = await port()
  let agent: RunningProgram
  const start = async (): Promise<void> => {
    agent = await startAgent(data, {
      args: [
        ...[
          '--server-url',
          options.serverUrl ?? network.url,
          '--reader',
          options.reader ?? 'simulated:lobby',
        ],
        ...['--page-port', String(pagePort), '--page-px-per-mm', String(options.pxPerMm ?? 4)],
        ...(options.withSecret === true ? ['--client-secret-file', secretFile] : []),
        ...(options.agentArgs ?? []),
      ],
    })
  }
  await start()
  stack.defer(async () => {
    await agent.stop('SIGKILL')
  })
  const ask = (method: string, params: Record<string, unknown> = {}): Promise<unknown> =>
    call(socketPath(data), method, params)
  const owned = stack.move()
  return {
    data,
    serverData,
    url: `http://127.0.0.1:${String(pagePort)}/`,
    network,
    server,
    agent: () => agent,
    kill: async () => {
      await agent.stop('SIGKILL')
    },
    start,
    tap: async (text) => {
      await ask('reader.simulate', { action: { kind: 'tap', text } })
    },
    simulate: async (action) => {
      await ask('reader.simulate', { action })
    },
    ask,
    status: async () => (await ask('status')) as AgentStatus,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A fresh profile, as a session of the kiosk has it. */
export async function openPage(
  browser: Browser,
  kiosk: Kiosk,
  panel: Panel = 'tablet',
  deviceScaleFactor = 1,
): Promise<Page> {
  const { width, height } = panels[panel]
  const context = await browser.newContext({ viewport: { width, height }, hasTouch: true, deviceScaleFactor })
  const page = await context.newPage()
  await page.goto(kiosk.url)
  await page.locator('main').first().waitFor()
  return page
}

export const person = {
  codigoClienteVLT: '70123',
  dni: '44556677',
  nombre: 'Ñusta María',
  apellidoPaterno: "O'Quispe",
  apellidoMaterno: 'Núñez',
  correo: 'nusta.q@gmail.com',
  telefono: '987654321',
  fechaNacimiento: '23041995',
}
export type Person = typeof person
export type PersonField = keyof Person

/** Counts what a finger does. */
export class Hand {
  touches = 0
  readonly #page: Page

  constructor(page: Page) {
    this.#page = page
  }

  async touch(selector: string): Promise<void> {
    this.touches += 1
    await this.#page.locator(selector).first().tap()
  }

  /** Types on the page's own keyboard, as a finger finds the keys. */
  async type(text: string): Promise<void> {
    for (let rest = text; rest !== '';) {
      const domain = /^@(gmail|hotmail)\.com/.exec(rest)?.[0]
      const letter = domain ?? rest.slice(0, 1)
      await this.#key(letter)
      rest = rest.slice(letter.length)
    }
  }

  async next(): Promise<void> {
    await this.touch('.next.key')
  }

  async #key(letter: string): Promise<void> {
    const key = this.#page
      .locator(`.key:not(.act)`)
      .getByText(letter === ' ' ? /^(espacio|space)$/ : exactly(letter))
    if ((await key.count()) > 0) {
      this.touches += 1
      await key.first().tap()
      return
    }
    const plain = letter.normalize('NFD').replace(/\p{M}/gu, '')
    if (plain !== letter && letter.toLowerCase() !== 'ñ') {
      await this.touch('.act.accent')
      await this.#key(letter)
      return
    }
    const isDigit = /[\d_+]/.test(letter)
    await this.touch(
      isDigit
        ? '.act.digits'
        : (await this.#page.locator('.act.letters').count()) > 0
          ? '.act.letters'
          : '.act.shift',
    )
    await this.#key(letter)
  }
}

const exactly = (text: string): RegExp => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)

/** Fills in the form with a real keyboard, up to and including `last`. */
export async function fillIn(
  page: Page,
  last: PersonField | 'review' | 'consents' | 'tap',
  values = person,
): Promise<void> {
  await page.locator('.start .primary').tap()
  for (const [field, value] of Object.entries(values)) {
    await page.locator(`#${field}`).waitFor()
    await page.keyboard.type(value)
    if (field === last) return
    await page.keyboard.press('Enter')
  }
  await page.locator('dl').waitFor()
  if (last === 'review') return
  await page.locator('footer .primary').tap()
  await page.locator('.consents').waitFor()
  if (last === 'consents') return
  await page.locator('footer .primary').tap()
  await page.locator('.tap').waitFor()
}

export const heading = (page: Page): Promise<string> => page.locator('h1:visible').first().innerText()
