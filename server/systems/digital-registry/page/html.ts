/** Markup, as opposed to text that still has to be escaped. */
export interface Html {
  readonly markup: string
}

type Part = string | Html | Html[] | undefined

/** Markup from a template: what is put in is escaped unless it is markup itself. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  const markup = strings
    .map((text, place) => (place === 0 ? text : written(parts[place - 1]) + text))
    .join('')
  return { markup }
}

function written(part: Part): string {
  if (part === undefined) return ''
  if (typeof part === 'string') return escaped(part)
  return Array.isArray(part) ? part.map(({ markup }) => markup).join('') : part.markup
}

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' } as const

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign as keyof typeof entities])
}
