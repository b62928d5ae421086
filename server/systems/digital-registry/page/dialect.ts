import type { Answer } from '../../../plugins/answer.ts'
import type { RouteDialect } from '../../../plugins/system.ts'
import { bilingualPage } from './layout.ts'
import type { Standing } from './service.ts'
import { styleSource } from './style.ts'

/** No script, no frame, nothing from elsewhere; nothing kept, found by search engines, or told to the next site. */
const pageHeaders = {
  'content-security-policy': `default-src 'none'; style-src ${styleSource}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex, nofollow',
  'x-content-type-options': 'nosniff',
}

export function pageAnswer(status: number, markup: string, headers: Record<string, string> = {}): Answer {
  const all = { 'content-type': 'text/html; charset=utf-8', ...pageHeaders, ...headers }
  return { status, headers: all, body: markup }
}

/** To a page by its query, wherever a proxy has put the page. 303: what follows is a GET, which may be repeated. */
export function seeOther(query: string, headers: Record<string, string> = {}): Answer {
  return { status: 303, headers: { ...pageHeaders, location: query, ...headers } }
}

/** Of a page that is not an answer to a form. */
export const statusOf = {
  unknown: 404,
  expired: 410,
  suspended: 403,
  locked: 403,
  done: 200,
  prove: 200,
  confirm: 200,
} as const satisfies Record<Standing['at'], number>

type Words = [title: string, ...paragraphs: string[]]

function fault(status: number, spanish: Words, english: Words, headers?: Record<string, string>): Answer {
  const notice = ([title, ...paragraphs]: Words) => ({ title, paragraphs })
  return pageAnswer(status, bilingualPage(notice(spanish), notice(english)), headers)
}

export const insecure = fault(
  403,
  [
    'Use una conexión segura',
    'Por seguridad, esta página solo funciona con HTTPS.',
    'Escriba la dirección de nuevo, comenzando por https:// en lugar de http://.',
  ],
  [
    'Use a secure connection',
    'To protect you, this page works over HTTPS only.',
    'Type the address again, beginning with https:// instead of http://.',
  ],
)

export const unreadable = fault(
  400,
  ['No pudimos leer su respuesta', 'Vuelva a la página anterior e intente de nuevo.'],
  ['We could not read your answer', 'Go back to the previous page and try again.'],
)

/** The page's paths, and what can happen to any of its requests. */
export const pageDialect: RouteDialect = {
  prefix: '/digital',
  unmatched(method, path) {
    if (path !== 'digital/index.php') {
      return fault(
        404,
        ['Esta página no existe', 'Abra de nuevo el enlace tal como lo recibió.'],
        ['This page does not exist', 'Open the link again as you received it.'],
      )
    }
    const headers = { allow: 'GET, HEAD, POST' }
    if (method === 'OPTIONS') return { status: 200, headers }
    return fault(
      405,
      ['Esta página no se usa así', 'Abra el enlace en un navegador, tal como lo recibió.'],
      ['This page is not used like that', 'Open the link in a browser, as you received it.'],
      headers,
    )
  },
  unreadable: () => unreadable,
  tooLarge: fault(
    413,
    ['Su respuesta es demasiado larga', 'Vuelva a la página anterior e intente de nuevo.'],
    ['Your answer is too long', 'Go back to the previous page and try again.'],
  ),
  tooManyAttempts: fault(
    429,
    ['Demasiadas visitas', 'Espere un minuto y abra el enlace de nuevo.'],
    ['Too many visits', 'Wait a minute and open the link again.'],
  ),
  unavailable: fault(
    503,
    [
      'Intente de nuevo en unos segundos',
      'El servicio no está disponible por un momento. Lo que ya confirmó está guardado.',
    ],
    [
      'Try again in a few seconds',
      'The service is not available for a moment. What you have confirmed is stored.',
    ],
  ),
  serverError: (incident) =>
    fault(
      500,
      [
        'Algo falló de nuestro lado',
        'Intente de nuevo más tarde. Lo que ya confirmó está guardado.',
        `Si sigue fallando, mencione este número: ${incident}`,
      ],
      [
        'Something failed on our side',
        'Try again later. What you have confirmed is stored.',
        `If it keeps failing, quote this number: ${incident}`,
      ],
    ),
}
