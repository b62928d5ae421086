import { consents, type Consent } from '../../consents.ts'
import type { Language } from '../../protocol.ts'
import { Heading } from '../screens.tsx'
import type { Words } from '../texts/words.ts'
import { Remark } from './help.tsx'
import type { Answers } from './steps.ts'

const kinds: readonly Consent[] = ['enviarWhatsApp', 'enviarCorreo', 'enviarSms']

interface Props {
  answers: Answers
  language: Language
  words: Words
  failure: string | undefined
  remark: string | undefined
  isSending: boolean
  onChange: (answers: Answers) => void
  onBack: () => void
  onSend: () => void
}

/** The last screen of the form: nothing is ticked, and nothing has to be. */
export function Consents(props: Props) {
  const { answers, language, words, failure, remark, isSending, onChange, onBack, onSend } = props
  const said = consents[language]
  return (
    <>
      <main class="ask long">
        <Heading>{words.consents}</Heading>
        <Remark>{remark}</Remark>
        <p id="consents">{said.intro}</p>
        <div class="consents" role="group" aria-describedby="consents">
          {kinds.map((kind) => (
            <label class="choice" key={kind}>
              <input
                type="checkbox"
                checked={answers.consents[kind]}
                onChange={({ currentTarget }) => {
                  onChange({ ...answers, consents: { ...answers.consents, [kind]: currentTarget.checked } })
                }}
              />
              <span>{said[kind]}</span>
            </label>
          ))}
        </div>
        {failure !== undefined && (
          <p class="complaint" role="alert">
            {failure}
          </p>
        )}
      </main>
      <footer>
        <button type="button" onClick={onBack}>
          {words.back}
        </button>
        <button type="button" class="primary" onClick={onSend} disabled={isSending}>
          {words.ready}
        </button>
      </footer>
    </>
  )
}
