import { Heading } from '../screens.tsx'
import type { Words } from '../texts/words.ts'
import { Remark } from './help.tsx'
import type { Answers, Field } from './steps.ts'

interface Props {
  fields: readonly Field[]
  answers: Answers
  words: Words
  remark: string | undefined
  onBack: () => void
  onNext: () => void
  onChange: (step: number) => void
}

export function Review({ fields, answers, words, remark, onBack, onNext, onChange }: Props) {
  return (
    <>
      <main class="ask long">
        <Heading>{words.review}</Heading>
        <Remark>{remark}</Remark>
        <dl>
          {fields.map((field, index) => (
            <div key={field}>
              <dt>{field === 'dni' ? words.documents[answers.documentType] : words.label[field]}</dt>
              <dd>{answers.text[field].trim() || <span class="empty">{words.empty}</span>}</dd>
              <dd class="change">
                <button
                  type="button"
                  class="quiet"
                  aria-label={`${words.change}: ${words.label[field]}`}
                  onClick={() => {
                    onChange(index)
                  }}
                >
                  {words.change}
                </button>
              </dd>
            </div>
          ))}
        </dl>
      </main>
      <footer>
        <button type="button" onClick={onBack}>
          {words.back}
        </button>
        <button type="button" class="primary" onClick={onNext}>
          {words.next}
        </button>
      </footer>
    </>
  )
}
