/** The form: a question a screen, then a review, then the consents. All it holds is in `answers`, which its owner wipes. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { consents, type Consent } from '../consents.ts'
import type { Language } from '../protocol.ts'
import { Keyboard } from './keyboard.tsx'
import type { Keyboard as KeyboardKind } from './layouts.ts'
import { Heading } from './screens.tsx'
import {
  complaintOf,
  dateAsTyped,
  documentTypes,
  maxLength,
  optional,
  questions,
  type Answers,
  type DocumentType,
  type Field,
  type Path,
} from './steps.ts'
import type { Words } from './texts.ts'

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
        <p aria-live="polite">{words.step(step + 1, fields.length + 3)}</p>
        <progress value={step + 1} max={fields.length + 3} aria-label={words.title} />
        <button type="button" class="quiet" onClick={onLeave}>
          {words.leave}
        </button>
      </header>
      {props.remark !== undefined && (
        <p class="strip" role="status">
          {props.remark}
        </p>
      )}
      {field !== undefined ? (
        <Question
          key={field}
          field={field}
          answers={answers}
          words={words}
          failure={wrongFields.includes(field) ? words.failures.invalid : undefined}
          onChange={props.onChange}
          onBack={back}
          onNext={next}
        />
      ) : step === fields.length ? (
        <Review
          fields={fields}
          answers={answers}
          words={words}
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

interface QuestionProps {
  field: Field
  answers: Answers
  words: Words
  failure: string | undefined
  onChange: (answers: Answers) => void
  onBack: () => void
  onNext: () => void
}

function keyboardOf(field: Field, documentType: DocumentType): KeyboardKind {
  if (field === 'correo') return 'email'
  if (field === 'dni') return documentType === 'dni' ? 'pad' : 'mixed'
  return field === 'codigoClienteVLT' || field === 'telefono' || field === 'fechaNacimiento'
    ? 'pad'
    : 'letters'
}

function Question({ field, answers, words, failure, onChange, onBack, onNext }: QuestionProps) {
  const input = useRef<HTMLInputElement>(null)
  const [complaint, setComplaint] = useState(failure)
  const [caret, setCaret] = useState<number>()
  const value = answers.text[field]
  const kind = keyboardOf(field, answers.documentType)
  const isEmpty = value.trim() === ''

  useLayoutEffect(() => {
    input.current?.focus({ preventScroll: true })
  }, [complaint])
  // After a change of ours the caret stands where the person put it, not at the end.
  useLayoutEffect(() => {
    if (caret !== undefined) input.current?.setSelectionRange(caret, caret)
  }, [caret, value])

  const set = (text: string, at?: number): void => {
    const tidy = field === 'fechaNacimiento' ? dateAsTyped(text) : text
    setCaret(field === 'fechaNacimiento' ? tidy.length : at)
    onChange({ ...answers, text: { ...answers.text, [field]: tidy.slice(0, maxLength[field]) } })
  }
  const replace = (text: string, erase: boolean): void => {
    const { selectionStart, selectionEnd } = input.current ?? {}
    const end = selectionEnd ?? value.length
    const marked = selectionStart ?? end
    const start = erase && marked === end ? Math.max(0, marked - 1) : marked
    set(value.slice(0, start) + text + value.slice(end), start + text.length)
  }
  const submit = (event: Event): void => {
    event.preventDefault()
    const found = complaintOf(field, answers)
    setComplaint(found && words.complaints[found])
    if (found === undefined) onNext()
  }

  return (
    <main>
      <form class={`question ${kind}`} onSubmit={submit} noValidate autocomplete="off">
        <div class="ask">
          <h1>
            <label for={field}>{words.ask[field]}</label>
            {optional.has(field) && <small> ({words.optional})</small>}
          </h1>
          {field === 'dni' && (
            <DocumentTypes
              value={answers.documentType}
              words={words}
              onChange={(documentType) => {
                setComplaint(undefined)
                onChange({ ...answers, documentType })
                input.current?.focus()
              }}
            />
          )}
          <input
            ref={input}
            id={field}
            name={field}
            value={value}
            inputMode="none"
            autocomplete="off"
            autocorrect="off"
            autocapitalize="off"
            spellcheck={false}
            aria-invalid={complaint !== undefined}
            aria-describedby={`${field}-help`}
            aria-required={!optional.has(field)}
            maxLength={maxLength[field]}
            onInput={({ currentTarget }) => {
              set(currentTarget.value, currentTarget.selectionStart ?? undefined)
            }}
          />
          <p
            id={`${field}-help`}
            class={complaint === undefined ? 'hint' : 'complaint'}
            role={complaint === undefined ? undefined : 'alert'}
          >
            {complaint ?? words.hint[field] ?? '\u00a0'}
          </p>
        </div>
        <Keyboard
          kind={kind}
          words={words}
          capital={isEmpty || /[\s'-]$/.test(value)}
          nextLabel={optional.has(field) && isEmpty ? words.skip : words.next}
          onType={(text) => {
            replace(text, false)
          }}
          onErase={() => {
            replace('', true)
          }}
          onBack={onBack}
        />
      </form>
    </main>
  )
}

function DocumentTypes({
  value,
  words,
  onChange,
}: {
  value: DocumentType
  words: Words
  onChange: (type: DocumentType) => void
}) {
  return (
    <fieldset class="choices">
      <legend class="unseen">{words.documentType}</legend>
      {(Object.keys(documentTypes) as DocumentType[]).map((type) => (
        <label class="choice" key={type}>
          <input
            type="radio"
            name="documentType"
            checked={type === value}
            onChange={() => {
              onChange(type)
            }}
          />
          <span>{words.documents[type]}</span>
        </label>
      ))}
    </fieldset>
  )
}

interface ReviewProps {
  fields: readonly Field[]
  answers: Answers
  words: Words
  onBack: () => void
  onNext: () => void
  onChange: (step: number) => void
}

function Review({ fields, answers, words, onBack, onNext, onChange }: ReviewProps) {
  return (
    <>
      <main class="ask long">
        <Heading>{words.review}</Heading>
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

const kinds: readonly Consent[] = ['enviarWhatsApp', 'enviarCorreo', 'enviarSms']

function Consents(props: Props & { onBack: () => void }) {
  const { answers, language, words, failure, isSending, onChange, onBack, onSend } = props
  const said = consents[language]
  return (
    <>
      <main class="ask long">
        <Heading>{words.consents}</Heading>
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
