/** Words of the operator's area. Codes and hints stay English: they are searched for and quoted. */
import type { Language, PageFailure } from '../../protocol.ts'
import type { OperatorView, TestResult } from '../../operator/view.ts'

export interface OperatorWords {
  pin: string
  pinHint: string
  enter: string
  refused: (failure: Pick<PageFailure, 'triesLeft' | 'seconds'> & { code: string }) => string
  readers: string
  noReader: string
  readerState: Record<string, string>
  lastTest: (result: TestResult | undefined) => string
  test: string
  stop: string
  tapNow: (taps: number, of: number) => string
  live: string
  nothingYet: string
  card: string
  noCard: string
  worth: Record<string, string>
  queue: string
  counts: (queue: OperatorView['queue']) => string
  oldest: (seconds: number) => string
  server: string
  serverState: Record<string, string>
  lastSuccess: string
  never: string
  send: string
  dead: string
  again: string
  retry: string
  attempts: (count: number) => string
  machine: string
  clock: string
  clockSet: string
  clockNotSet: string
  versions: string
  page: string
  bundle: string
  bundleAt: string
  volume: string
  brightness: string
  less: string
  more: string
  restart: string
  time: (iso: string) => string
  moment: (iso: string) => string
}

const formats = (language: Language) => ({
  time: (iso: string) =>
    new Date(iso).toLocaleTimeString(language === 'es' ? 'es-PE' : 'en-GB', { hour12: false }),
  moment: (iso: string) =>
    new Date(iso).toLocaleString(language === 'es' ? 'es-PE' : 'en-GB', { hour12: false }),
})

const minutes = (seconds: number): string =>
  `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`

const problemsEs: Record<string, string> = {
  random: 'el número cambia cada vez: es un teléfono',
  'uids-differ': 'se leyeron tarjetas distintas',
  'worth-differs': 'las lecturas no valen lo mismo',
  truncated: 'el lector envía solo una parte del número',
  ambiguous: 'el número se puede leer de varias formas',
  rejected: 'algunas lecturas no eran una tarjeta',
}
const problemsEn: Record<string, string> = {
  random: 'the number changes each time: a phone',
  'uids-differ': 'different cards were read',
  'worth-differs': 'the reads are not worth the same',
  truncated: 'the reader sends a part of the number',
  ambiguous: 'the number can be read in several ways',
  rejected: 'some reads were no card',
}

export const operatorTexts: Record<Language, OperatorWords> = {
  es: {
    ...formats('es'),
    pin: 'PIN del personal',
    pinHint: '6 a 12 números.',
    enter: 'Entrar',
    refused: ({ code, triesLeft = 0, seconds = 0 }) => {
      if (code === 'wrong-pin')
        return `PIN incorrecto. ${triesLeft === 1 ? 'Queda 1 intento' : `Quedan ${String(triesLeft)} intentos`}.`
      if (code === 'locked') return `Demasiados intentos. Espera ${minutes(seconds)} minutos.`
      if (code === 'no-pin') return 'Este quiosco no tiene PIN. Ponlo con: vlt-agent page pin.'
      return 'No se pudo revisar el PIN. Intenta otra vez.'
    },
    readers: 'Lectores',
    noReader: 'Este quiosco no tiene lector configurado.',
    readerState: { ready: 'listo', absent: 'no responde', opening: 'abriendo', stopped: 'detenido' },
    lastTest: (result) =>
      result === undefined
        ? 'Nunca se probó.'
        : `Última prueba: ${result.verdict === 'good' ? 'buena' : 'mala'}, ${formats('es').moment(result.at)}` +
          [...result.problems, ...result.notes].map((name) => `; ${problemsEs[name] ?? name}`).join('') +
          '.',
    test: 'Probar',
    stop: 'Dejar',
    tapNow: (taps, of) =>
      taps === of
        ? 'Leída.'
        : `Acerca la misma tarjeta: ${String(taps + 1)} de ${String(of)}. Retírala cada vez.`,
    live: 'En vivo',
    nothingYet: 'Nada todavía: acerca una tarjeta.',
    card: 'Tarjeta',
    noCard: 'No es una tarjeta',
    worth: {
      stable: 'número propio',
      random: 'número inventado',
      truncated: 'número incompleto',
      ambiguous: 'número dudoso',
    },
    queue: 'Cola y conexión',
    counts: ({ pending, delivered, deadLetters }) =>
      `${String(pending)} por enviar, ${String(delivered)} enviados, ${String(deadLetters)} rechazados.`,
    oldest: (seconds) => `El más antiguo espera ${minutes(seconds)} minutos.`,
    server: 'Servidor',
    serverState: { online: 'en línea', offline: 'sin conexión', paused: 'en pausa' },
    lastSuccess: 'Última confirmación',
    never: 'ninguna',
    send: 'Enviar ahora',
    dead: 'Rechazado',
    again: 'Se intentará otra vez',
    retry: 'Reintentar',
    attempts: (count) => `${String(count)} ${count === 1 ? 'intento' : 'intentos'}`,
    machine: 'Equipo',
    clock: 'Reloj',
    clockSet: 'ajustado por la red',
    clockNotSet: 'no consta que la red lo haya ajustado',
    versions: 'Versiones',
    page: 'pantalla',
    bundle: 'Escribir informe',
    bundleAt: 'Sin datos de personas, en este equipo:',
    volume: 'Volumen',
    brightness: 'Brillo',
    less: 'menos',
    more: 'más',
    restart: 'Reiniciar pantalla',
  },
  en: {
    ...formats('en'),
    pin: 'Staff PIN',
    pinHint: '6 to 12 digits.',
    enter: 'Enter',
    refused: ({ code, triesLeft = 0, seconds = 0 }) => {
      if (code === 'wrong-pin')
        return `Wrong PIN. ${String(triesLeft)} ${triesLeft === 1 ? 'try' : 'tries'} left.`
      if (code === 'locked') return `Too many tries. Wait ${minutes(seconds)} minutes.`
      if (code === 'no-pin') return 'This kiosk has no PIN. Set it with: vlt-agent page pin.'
      return 'The PIN could not be checked. Try again.'
    },
    readers: 'Readers',
    noReader: 'No reader is configured here.',
    readerState: { ready: 'ready', absent: 'does not answer', opening: 'opening', stopped: 'stopped' },
    lastTest: (result) =>
      result === undefined
        ? 'Never tested.'
        : `Last test: ${result.verdict}, ${formats('en').moment(result.at)}` +
          [...result.problems, ...result.notes].map((name) => `; ${problemsEn[name] ?? name}`).join('') +
          '.',
    test: 'Test',
    stop: 'Stop',
    tapNow: (taps, of) =>
      taps === of
        ? 'Read.'
        : `Hold the same card: ${String(taps + 1)} of ${String(of)}. Take it away each time.`,
    live: 'Live',
    nothingYet: 'Nothing yet: hold a card to it.',
    card: 'Card',
    noCard: 'No card',
    worth: {
      stable: 'own number',
      random: 'made-up number',
      truncated: 'part of a number',
      ambiguous: 'doubtful number',
    },
    queue: 'Queue and connection',
    counts: ({ pending, delivered, deadLetters }) =>
      `${String(pending)} to send, ${String(delivered)} sent, ${String(deadLetters)} refused.`,
    oldest: (seconds) => `The oldest waits ${minutes(seconds)} minutes.`,
    server: 'Server',
    serverState: { online: 'online', offline: 'offline', paused: 'paused' },
    lastSuccess: 'Last confirmation',
    never: 'none',
    send: 'Send now',
    dead: 'Refused',
    again: 'Tried again by itself',
    retry: 'Retry',
    attempts: (count) => `${String(count)} ${count === 1 ? 'attempt' : 'attempts'}`,
    machine: 'Machine',
    clock: 'Clock',
    clockSet: 'set by the network',
    clockNotSet: 'not known to be set by the network',
    versions: 'Versions',
    page: 'page',
    bundle: 'Write a report',
    bundleAt: 'Without anything of a person, on this machine:',
    volume: 'Volume',
    brightness: 'Brightness',
    less: 'less',
    more: 'more',
    restart: 'Restart the screen',
  },
}
