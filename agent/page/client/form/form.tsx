/** The form: a question a screen, then a review, then the consents. All it holds is in `answers`, which its owner wipes. */
import { useEffect, useState } from 'preact/hooks'
import type { Language } from '../../protocol.ts'
import type { Words } from '../texts/words.ts'
import { Consents } from './consents.tsx'
import { Question } from './question.tsx'
import { Review } from './review.tsx'
import { questions, type Answers, type Path } from './steps.ts'

interface Props {
  path: Path
  answers: Answers
  language: Language
  words: Words
  /** What the agent says of the last attempt to send. */
  failure: string | undefined
  wrongFields: readonly string[]
  /** Something that happened beside the form. */
  remark: string | undefined
  isSending: boolean
  onChange: (answers: Answers) => void
  onLeave: () => void
  onSend: () => void
}

export function Form(props: Props) {
  const { path, answers, words, wrongFields, onLeave } = props
  const fields = questions[path]
  const [step, setStep] = useState(0)
  /** Set while a single answer is being changed: its Continue leads back to the review. */
  const [isChanging, setChanging] = useState(false)
  const field = fields[step]

  useEffect(() => {
    const wrong = fields.findIndex((name) => wrongFields.includes(name))
    if (wrong >= 0) setStep(wrong)
  }, [wrongFields, fields])

  const back = (): void => {
    if (step === 0) onLeave()
    else if (isChanging) review()
    else setStep(step - 1)
  }
  const review = (): void => {
    setChanging(false)
    setStep(fields.length)
  }
  const next = (): void => {
    if (isChanging) review()
    else setStep(step + 1)
  }

  return (
    <div class="screen form">
      <header>
        <div class="steps">
          <p aria-live="polite">{words.step(step + 1, fields.length + 3)}</p>
          <progress value={step + 1} max={fields.length + 3} aria-label={words.title} />
        </div>
        <button type="button" class="quiet" onClick={onLeave}>
          {words.leave}
        </button>
      </header>
      {field !== undefined ? (
        <Question
          key={field}
          field={field}
          answers={answers}
          words={words}
          failure={wrongFields.includes(field) ? words.failures.invalid : undefined}
          remark={props.remark}
          onChange={props.onChange}
          onBack={back}
          onNext={next}
        />
      ) : step === fields.length ? (
        <Review
          fields={fields}
          answers={answers}
          words={words}
          remark={props.remark}
          onBack={back}
          onNext={next}
          onChange={(index) => {
            setChanging(true)
            setStep(index)
          }}
        />
      ) : (
        <Consents {...props} onBack={back} />
      )}
    </div>
  )
}
