import { useEffect, useRef, useState } from 'preact/hooks'
import { post } from '../agent.ts'
import { Keyboard } from '../form/keyboard.tsx'
import { Help } from '../form/help.tsx'
import type { Words } from '../texts/words.ts'
import type { OperatorWords } from './texts.ts'

const maxPin = 12

/** The way in: digits alone, never shown. */
export function Pin({
  words,
  said,
  onLeave,
  onRight,
}: {
  words: Words
  said: OperatorWords
  onLeave: () => void
  onRight: () => void
}) {
  const [pin, setPin] = useState('')
  const [complaint, setComplaint] = useState<string>()
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    input.current?.focus()
  }, [complaint])

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    setPin('')
    const answer = await post<unknown>('/operator/enter', { pin })
    if ('ok' in answer) onRight()
    else setComplaint(said.refused(answer.failure))
  }
  return (
    <div class="screen form">
      <header>
        <p class="steps">{words.operator}</p>
        <button type="button" class="quiet" onClick={onLeave}>
          {words.leave}
        </button>
      </header>
      <main>
        <form class="question pad" onSubmit={(event) => void submit(event)} noValidate autocomplete="off">
          <div class="ask">
            <h1>
              <label for="pin">{said.pin}</label>
            </h1>
            <input
              ref={input}
              id="pin"
              type="password"
              inputMode="none"
              autocomplete="off"
              maxLength={maxPin}
              value={pin}
              aria-describedby="pin-help"
              aria-invalid={complaint !== undefined}
              onInput={({ currentTarget }) => {
                setPin(currentTarget.value.replace(/\D/g, ''))
              }}
            />
            <Help id="pin-help" complaint={complaint}>
              {said.pinHint}
            </Help>
          </div>
          <Keyboard
            kind="pad"
            words={words}
            capital={false}
            nextLabel={said.enter}
            onType={(text) => {
              setPin((pin + text).slice(0, maxPin))
            }}
            onErase={() => {
              setPin(pin.slice(0, -1))
            }}
            onBack={onLeave}
          />
        </form>
      </main>
    </div>
  )
}
