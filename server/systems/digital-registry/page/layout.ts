import { html, type Html } from './html.ts'
import { styleElement } from './style.ts'
import { type Language, type Notice, texts } from './texts.ts'

/** The page of a link in a language; `code` where the address has a readable one. */
export interface Place {
  language: Language
  code: string | undefined
}

/** What was wrong with the answer just given, and the id of the field it is about. */
export interface Complaint {
  field: string
  message: string
}

/** A whole page in one language, with a way to the other one. */
export function page({ language, code }: Place, title: string, body: Html, complaint?: Complaint): string {
  const words = texts[language]
  const other = language === 'es' ? 'en' : 'es'
  const address = `${code === undefined ? '?' : `?cod=${code}&`}lang=${other}`
  const link = html`<a href="${address}" lang="${other}" hreflang="${other}">${words.otherLanguage}</a>`
  const fullTitle = `${complaint === undefined ? '' : words.errorPrefix}${title}`
  return frame(language, fullTitle, link, html`${complaint && summary(words.summary, complaint)}${body}`)
}

export function noticePage(place: Place, notice: Notice): string {
  return page(
    place,
    notice.title,
    html`<h1>${notice.title}</h1>
      ${paragraphs(notice)}`,
  )
}

/** For faults that are told before anybody knows which language is read: Spanish, then English. */
export function bilingualPage(spanish: Notice, english: Notice): string {
  return frame(
    'es',
    spanish.title,
    undefined,
    html`<h1>${spanish.title}</h1>
      ${paragraphs(spanish)}
      <section class="other" lang="en">
        <h2>${english.title}</h2>
        ${paragraphs(english)}
      </section>`,
  )
}

function paragraphs(notice: Notice): Html[] {
  return notice.paragraphs.map((text) => html`<p>${text}</p>`)
}

/** First on the page and focused, so that nobody has to look for what went wrong. */
function summary(heading: string, { field, message }: Complaint): Html {
  return html`<div class="summary" role="alert" tabindex="-1" autofocus>
    <h2>${heading}</h2>
    <ul>
      <li><a href="#${field}">${message}</a></li>
    </ul>
  </div>`
}

function frame(language: Language, title: string, link: Html | undefined, body: Html): string {
  const { product } = texts[language]
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex, nofollow" />
        <title>${title} – ${product}</title>
        ${styleElement}
      </head>
      <body>
        <header>
          <p>${product}</p>
          ${link && html`<nav>${link}</nav>`}
        </header>
        <main>${body}</main>
      </body>
    </html>`.markup
}
