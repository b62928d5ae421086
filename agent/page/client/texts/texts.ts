/** Every word of the page but the consents. Spanish first; whoever adds a word adds it twice or does not compile. */
import type { Language } from '../../protocol.ts'
import { english } from './en.ts'
import { spanish } from './es.ts'
import type { Words } from './words.ts'

export const texts: Record<Language, Words> = { es: spanish, en: english }
