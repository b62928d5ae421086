/** The page over a real outbox, desk and socket, without a reader: tests hold the cards to it. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SupervisedReader } from '../../devices/supervisor.ts'
import type { Core } from '../control/operations.ts'
import { agentStatus } from '../status.ts'
import type { Identity } from '../../devices/card-frame.ts'
import type { CardUid } from '../../shared/card-uid.ts'
import { systemClock, type Clock } from '../../shared/clock.ts'
import { createLog } from '../../shared/log.ts'
import { EnrolmentDesk } from '../enrolment/desk.ts'
import { Registrar } from '../enrolment/registrar.ts'
import { Outbox } from '../outbox/outbox.ts'
import { consentText } from './consents.ts'
import { PageEnrolments } from './enrolments.ts'
import { cookieName, pageCookie } from './guard.ts'
import { Heartbeat } from './heartbeat.ts'
import { Machine } from './operator/machine.ts'
import type { EnrolmentRequest } from './protocol.ts'
import { openPage, type OpenPage, type PageOptions } from './server.ts'
import { PageState, type CardLookup } from './state.ts'

export const secret = 'a secret of at least thirty-two characters'
export const personal = 'CANARY-NAME'

export interface PageBed extends AsyncDisposable {
  /** Data folder of the agent. */
  folder: string
  /** How often the queue was told to send at once. */
  sentNow: number
  page: OpenPage
  state: PageState
  desk: EnrolmentDesk
  outbox: Outbox
  registrar: Registrar
  health: { readerReady: boolean; serverOnline: boolean; volume: number }
  tap: (uid?: string, identity?: Identity) => void
  /** The server answers the newest registration. */
  deliver: (mensaje: string, id?: number, owner?: 'own' | 'other') => void
}

const file = { content: Buffer.from('<!doctype html>'), type: 'text/html; charset=utf-8' }

export async function openPageBed(
  options: Partial<PageOptions> & { clock?: Clock; lookUp?: CardLookup; readers?: SupervisedReader[] } = {},
): Promise<PageBed> {
  const { clock = systemClock, lookUp, readers = [] } = options
  const folder = mkdtempSync(join(tmpdir(), 'page-'))
  const log = createLog('test', 'fatal')
  const outbox = Outbox.open(folder, clock)
  const registrar = new Registrar(outbox, clock)
  const state = new PageState(registrar, clock, lookUp)
  const desk = new EnrolmentDesk(registrar, clock, log, (notice) => {
    state.show(notice)
  })
  state.watchDesk(() => desk.waiting)
  const core = {
    outbox,
    registrar,
    sync: { tryNow: () => (bed.sentNow += 1) },
    status: () =>
      agentStatus({
        running: true,
        readers: readers.map(({ status }) => status),
        outbox,
        server: {
          url: null,
          state: 'paused',
          lastSuccessAt: null,
          reason: 'server-not-configured',
          held: [],
          delivery: 'documented',
          deliveryReason: null,
        },
        kiosk: null,
        desk,
        pageUrl: null,
        pageHeartbeatAgeMs: null,
      }),
  } as unknown as Core
  const health = { readerReady: true, serverOnline: true, volume: 1 }
  const page = await openPage(
    { pagePort: 0, language: 'es', pagePxPerMm: 4, isLocked: false, ...options },
    {
      state,
      enrolments: new PageEnrolments(desk, () => {
        outbox.probe()
      }),
      heartbeat: new Heartbeat(clock),
      files: { byPath: new Map([['/', file]]), build: 'test' },
      secret,
      clock,
      log,
      operator: {
        core,
        readers,
        machine: new Machine(folder, join(folder, 'backlight')),
        data: folder,
        writeBundle: () => join(folder, 'bundle.json'),
      },
      health: () => health,
    },
  )
  const bed: PageBed = {
    folder,
    sentNow: 0,
    page,
    state,
    desk,
    outbox,
    registrar,
    health,
    tap: (uid = 'A0C2BBCA', identity = 'stable') => {
      const [tappedAt, tappedAtMonoMs] = [clock.now(), clock.monoMs()]
      desk.accept({
        readerId: 'test',
        uid: uid as CardUid,
        identity,
        proof: 'none',
        tappedAt,
        tappedAtMonoMs,
      })
    },
    deliver: (mensaje, id = 1, owner) => {
      const [{ id: row } = { id: '' }] = outbox.list(1)
      const esDuplicado = mensaje === 'registro duplicado'
      outbox.markDelivered(row, JSON.stringify({ id, tarjeta: 'A0C2BBCA', mensaje, esDuplicado, owner }))
      registrar.settled(row)
    },
    async [Symbol.asyncDispose]() {
      desk.cancel()
      state[Symbol.dispose]()
      await page[Symbol.asyncDispose]()
      outbox[Symbol.dispose]()
      rmSync(folder, { recursive: true })
    },
  }
  return bed
}

export function enrolmentRequest(codigoClienteVLT = 70): EnrolmentRequest {
  const consents = { enviarWhatsApp: true, enviarCorreo: false, enviarSms: false }
  return {
    client: { codigoClienteVLT, correo: 'a@b.pe', nombre: personal, ...consents },
    consentText: consentText('es'),
  }
}

export interface Sent {
  method?: string
  headers?: OutgoingHttpHeaders
  body?: string
}

/** What our own page sends; `headers` change it. */
export async function send(bed: PageBed, path: string, { method = 'GET', headers, body }: Sent = {}) {
  const url = new URL(path, bed.page.url)
  const own: OutgoingHttpHeaders = {
    'sec-fetch-site': 'same-origin',
    cookie: `${cookieName}=${pageCookie(secret)}`,
    ...(method === 'GET' ? {} : { origin: url.origin, 'content-type': 'application/json' }),
  }
  const merged = Object.entries({ ...own, ...headers }).filter(([, value]) => value !== undefined)
  const sent = request(url, { method, headers: Object.fromEntries(merged) })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

export const post = (bed: PageBed, path: string, body: unknown = {}): Promise<IncomingMessage> =>
  send(bed, path, { method: 'POST', body: JSON.stringify(body) })
