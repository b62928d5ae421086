import type { FastifyInstance, FastifyRequest } from 'fastify'
import { codePattern } from '../../../../shared/contracts/digital-registry.ts'
import { type Answer, sendAnswer } from '../../../plugins/answer.ts'
import { isHttps, requireHttps } from '../../../plugins/https.ts'
import { rawBody } from '../../../plugins/request-body.ts'
import { answerFaults } from '../../../plugins/system.ts'
import { limitRate } from '../../../rate-limit/limit-rate.ts'
import type { DigitalRegistry } from '../routes.ts'
import { insecure, pageAnswer, pageDialect, seeOther, statusOf, unreadable } from './dialect.ts'
import { type Complaint, noticePage, type Place } from './layout.ts'
import { proofMinutes } from './proof.ts'
import { type Confirming, createValidation, type Proving, type Standing, type Validation } from './service.ts'
import { texts } from './texts.ts'
import { fields, standingPage, steps } from './views.ts'

const cookie = 'prueba'

/**
 * GET and POST /digital/index.php?cod=…, on an app that has the page's prefix.
 *
 * No other site can act in a person's name here, because nothing that a browser sends by itself allows anything: a
 * form has to carry the document number, or the proof that it was typed. The cookie with the same proof lets GET
 * alone show the second step, and is sent from this site only.
 */
export function digitalRegistryPage(app: FastifyInstance, system: DigitalRegistry): void {
  const { core, clock, hits, insecureLoopback, ratePerMinute, log } = system
  answerFaults(app, pageDialect, log)
  const validation = createValidation(core, clock)
  const onRequest = [
    requireHttps({ insecureLoopback, refusal: insecure }),
    limitRate({
      name: 'digital-registry-page',
      max: ratePerMinute,
      windowMs: 60_000,
      store: hits,
      clock,
      refusal: pageDialect.tooManyAttempts,
    }),
  ]
  app.get('/index.php', {
    onRequest,
    handler: async (request, reply) => sendAnswer(reply, await show(request, validation)),
  })
  app.post('/index.php', {
    onRequest,
    handler: async (request, reply) => sendAnswer(reply, await take(request, validation)),
  })
}

async function show(request: FastifyRequest, validation: Validation): Promise<Answer> {
  const { code, place } = placeOf(request)
  if (code === undefined) return malformed(place)
  return standingAnswer(place, await validation.look(code, proofIn(request)))
}

async function take(request: FastifyRequest, validation: Validation): Promise<Answer> {
  const { code, place } = placeOf(request)
  if (code === undefined) return malformed(place)
  const form = formIn(request)
  if (form === undefined) return { ...unreadable, status: 415 }
  const step = form.get(fields.step)
  if (step === steps.prove) {
    return takeProof(request, place, await validation.prove(code, form.get(fields.document) ?? ''))
  }
  if (step !== steps.confirm) return unreadable
  const confirming = await validation.confirm(code, {
    proof: form.get(fields.proof) ?? undefined,
    accepts: form.has(fields.accepts),
    version: form.get(fields.version) ?? undefined,
    language: place.language,
  })
  return takeConfirmation(request, place, confirming)
}

function takeProof(request: FastifyRequest, place: Place, proving: Proving): Answer {
  const { missing, wrong } = texts[place.language].prove
  switch (proving.found) {
    case 'right':
      return seeOther(queryOf(place), setProof(request, proving.proof))
    case 'blank':
      return standingAnswer(place, proving.standing, { field: fields.document, message: missing })
    case 'wrong':
      return standingAnswer(place, proving.standing, { field: fields.document, message: wrong(proving.left) })
    case 'no-question':
      return settled(place, proving.standing)
  }
}

function takeConfirmation(request: FastifyRequest, place: Place, confirming: Confirming): Answer {
  const { prove, confirm } = texts[place.language]
  switch (confirming.found) {
    case 'done':
      return seeOther(queryOf(place), setProof(request, ''))
    case 'no-proof':
      return standingAnswer(place, confirming.standing, { field: fields.document, message: prove.again })
    case 'no-consent':
      return standingAnswer(place, confirming.standing, { field: fields.accepts, message: confirm.missing })
    case 'other-wording':
      return standingAnswer(place, confirming.standing, { field: fields.accepts, message: confirm.changed })
    case 'no-question':
      return settled(place, confirming.standing)
  }
}

/** An answer to a question that is not open: done already (a second click, the back button), or stopped. */
function settled(place: Place, standing: Standing): Answer {
  return standing.at === 'done' ? seeOther(queryOf(place)) : standingAnswer(place, standing)
}

function standingAnswer(place: Place, standing: Standing, complaint?: Complaint): Answer {
  const status = statusOf[standing.at]
  const markup = standingPage(place, standing, complaint)
  return pageAnswer(status === 200 && complaint !== undefined ? 400 : status, markup)
}

function malformed(place: Place): Answer {
  return pageAnswer(400, noticePage(place, texts[place.language].malformed))
}

/** A code typed by hand may be in small letters. */
function placeOf(request: FastifyRequest): { code: string | undefined; place: Place } {
  const { cod, lang } = request.query as Record<string, unknown>
  const typed = typeof cod === 'string' ? cod.trim().toUpperCase() : ''
  const code = codePattern.test(typed) ? typed : undefined
  return { code, place: { language: lang === 'en' ? 'en' : 'es', code } }
}

function queryOf({ language, code = '' }: Place): string {
  return `?cod=${code}${language === 'es' ? '' : `&lang=${language}`}`
}

function formIn(request: FastifyRequest): URLSearchParams | undefined {
  const mediaType = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (mediaType !== 'application/x-www-form-urlencoded') return undefined
  return new URLSearchParams(rawBody(request).toString('utf8'))
}

function proofIn({ headers }: FastifyRequest): string | undefined {
  return new RegExp(`(?:^|; *)${cookie}=([^;]*)`).exec(headers.cookie ?? '')?.[1]
}

/** Without a path of its own the cookie goes where the page is, also behind a proxy that has moved it. */
function setProof(request: FastifyRequest, proof: string): Record<string, string> {
  const age = proof === '' ? 0 : proofMinutes * 60
  const secure = isHttps(request) ? '; Secure' : ''
  return { 'set-cookie': `${cookie}=${proof}; Max-Age=${String(age)}; HttpOnly; SameSite=Strict${secure}` }
}
