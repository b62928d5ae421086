/** What a person agrees to, word for word. What was shown is evidence: the version is stored with each registration. */
import type { Language } from './protocol.ts'

/** Changed with every change of a word below; a test holds it to that. */
const edition = '2026-11'

/** Names the text in the language that was on the screen. */
export const consentText = (language: Language): string => `kiosk-${edition}-${language}`

export const consentTexts: readonly string[] = (['es', 'en'] as const).map(consentText)

export type Consent = 'enviarWhatsApp' | 'enviarCorreo' | 'enviarSms'

export const consents: Record<Language, Record<Consent, string> & { intro: string }> = {
  es: {
    intro:
      'Puedes recibir novedades y promociones. Elige por dónde, o por ninguno: tu tarjeta funciona igual. ' +
      'Puedes cambiarlo cuando quieras pidiéndolo al personal.',
    enviarWhatsApp: 'Acepto recibir mensajes por WhatsApp.',
    enviarCorreo: 'Acepto recibir mensajes por correo electrónico.',
    enviarSms: 'Acepto recibir mensajes SMS.',
  },
  en: {
    intro:
      'You can receive news and offers. Choose how, or not at all: your card works just the same. ' +
      'You can change this at any time by asking the staff.',
    enviarWhatsApp: 'I agree to receive WhatsApp messages.',
    enviarCorreo: 'I agree to receive email messages.',
    enviarSms: 'I agree to receive SMS messages.',
  },
}
