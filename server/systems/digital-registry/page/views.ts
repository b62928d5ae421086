import { type DocumentType } from '../../../../shared/contracts/digital-registry.ts'
import { consentWording, wordingVersion } from './consent.ts'
import { html, type Html } from './html.ts'
import { type Complaint, noticePage, page, type Place } from './layout.ts'
import { documentEnd, maskedName } from './mask.ts'
import { linkDays, type Standing } from './service.ts'
import { texts } from './texts.ts'

/** Names of the forms' fields, and the two forms by the value of `step`. */
export const fields = {
  step: 'paso',
  document: 'documento',
  proof: 'prueba',
  accepts: 'acepto',
  version: 'version',
} as const
export const steps = { prove: 'documento', confirm: 'confirmacion' } as const

type At<Name extends Standing['at']> = Extract<Standing, { at: Name }>

/** The page of a registration, by where it stands. */
export function standingPage(place: Place, standing: Standing, complaint?: Complaint): string {
  const words = texts[place.language]
  switch (standing.at) {
    case 'unknown':
      return noticePage(place, words.unknown)
    case 'expired':
      return noticePage(place, words.expired(standing.entity, linkDays))
    case 'suspended':
      return noticePage(place, words.suspended(standing.entity))
    case 'locked':
      return noticePage(place, words.locked(standing.entity))
    case 'done':
      return noticePage(place, words.done(standing.entity, words.day(standing.completedAt)))
    case 'prove':
      return page(place, words.prove.title, proveBody(place, standing, complaint), complaint)
    case 'confirm':
      return page(place, words.confirm.title, confirmBody(place, standing, complaint), complaint)
  }
}

// Digits alone: phones then show their number keys.
const numericTypes: readonly DocumentType[] = [1, 2, 6]

function proveBody(
  { language }: Place,
  { entity, person, expiresAt }: At<'prove'>,
  complaint?: Complaint,
): Html {
  const words = texts[language]
  const { prove } = words
  const { shown, initials } = maskedName(person.Nombres)
  const end = documentEnd(person.Dni)
  const keys = numericTypes.includes(person.TipoDni) ? 'numeric' : 'text'
  return html`<p class="step">${words.step(1)}</p>
    <h1>${prove.title}</h1>
    <p>
      <strong><bdi>${entity}</bdi></strong> ${prove.asks}
    </p>
    <dl>
      <div>
        <dt>${prove.name}</dt>
        <dd><bdi aria-hidden="true">${shown}</bdi><bdi class="sr">${prove.initials(initials)}</bdi></dd>
      </div>
      <div>
        <dt>${prove.document}</dt>
        <dd>${words.documentTypes[person.TipoDni]}${end && `, ${prove.endsIn(end)}`}</dd>
      </div>
    </dl>
    <p>${prove.why}</p>
    <form method="post" novalidate>
      <input type="hidden" name="${fields.step}" value="${steps.prove}" />
      <div class="field">
        <label for="${fields.document}">${prove.label}</label>
        <p class="hint" id="ayuda">${prove.hint}</p>
        ${errorOf(fields.document, complaint)}
        <input
          type="text"
          id="${fields.document}"
          name="${fields.document}"
          required
          maxlength="100"
          autocomplete="off"
          spellcheck="false"
          inputmode="${keys}"
          ${described(fields.document, complaint, 'ayuda')}
        />
      </div>
      <button>${prove.submit}</button>
    </form>
    <p class="hint after">${prove.expires(words.day(expiresAt))}</p>`
}

function confirmBody(
  { language }: Place,
  { entity, person, proof }: At<'confirm'>,
  complaint?: Complaint,
): Html {
  const words = texts[language]
  const { confirm } = words
  return html`<p class="step">${words.step(2)}</p>
    <h1>${confirm.title}</h1>
    <dl>
      <div>
        <dt>${confirm.name}</dt>
        <dd><bdi>${person.Nombres}</bdi></dd>
      </div>
      <div>
        <dt>${confirm.type}</dt>
        <dd>${words.documentTypes[person.TipoDni]}</dd>
      </div>
      <div>
        <dt>${confirm.number}</dt>
        <dd><bdi>${person.Dni}</bdi></dd>
      </div>
    </dl>
    <p>${confirm.wrongData(entity)}</p>
    <form method="post" novalidate>
      <input type="hidden" name="${fields.step}" value="${steps.confirm}" />
      <input type="hidden" name="${fields.proof}" value="${proof}" />
      <input type="hidden" name="${fields.version}" value="${wordingVersion}" />
      <h2>${confirm.consent}</h2>
      <div class="consent">
        <p id="texto">${consentWording[language](entity)}</p>
        ${errorOf(fields.accepts, complaint)}
        <label class="check"
          ><input
            type="checkbox"
            id="${fields.accepts}"
            name="${fields.accepts}"
            value="si"
            required
            ${described(fields.accepts, complaint, 'texto')}
          /><span>${confirm.accept}</span></label
        >
      </div>
      <button>${confirm.submit}</button>
    </form>`
}

function errorOf(field: string, complaint: Complaint | undefined): Html | undefined {
  if (complaint?.field !== field) return undefined
  return html`<p class="error" id="${field}-error">${complaint.message}</p>`
}

function described(field: string, complaint: Complaint | undefined, hint: string): Html {
  return complaint?.field === field
    ? html`aria-invalid="true" aria-describedby="${field}-error ${hint}"`
    : html`aria-describedby="${hint}"`
}
