import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Words } from '../texts/words.ts'
import { Help } from './help.tsx'
import { Keyboard } from './keyboard.tsx'
import type { Keyboard as KeyboardKind } from './layouts.ts'
import {
  complaintOf,
  dateAsTyped,
  documentTypes,
  maxLength,
  optional,
  type Answers,
  type DocumentType,
  type Field,
} from './steps.ts'

interface Props {
  field: Field
  answers: Answers
  words: Words
  failure: string | undefined
  /** Something that happened beside the form. */
  remark: string | undefined
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

/** One question, its field and the keyboard for it. */
export function Question({ field, answers, words, failure, remark, onChange, onBack, onNext }: Props) {
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
    const tidy =
      field === 'fechaNacimiento' ? dateAsTyped(text) : field === 'dni' ? text.toLocaleUpperCase('es') : text
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
          <Help id={`${field}-help`} complaint={complaint} remark={remark}>
            {words.hint[field] ?? '\u00a0'}
          </Help>
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
