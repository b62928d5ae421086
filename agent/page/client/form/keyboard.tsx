import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { Icon } from '../icons.tsx'
import { layouts, typed, type Act, type Key, type Keyboard as Kind } from './layouts.ts'
import type { Words } from '../texts/words.ts'

interface Props {
  kind: Kind
  words: Words
  /** The next letter is a capital: names begin with one. */
  capital: boolean
  nextLabel: string
  onType: (text: string) => void
  onErase: () => void
  onBack: () => void
}

/**
 * Our own keyboard, because that of the desktop stays behind a kiosk window. Keys are buttons with names; the focus
 * stays in the field. A keyboard with real keys types into the same field.
 */
export function Keyboard({ kind, words, capital, nextLabel, onType, onErase, onBack }: Props) {
  const [shift, setShift] = useState<boolean>()
  const [accent, setAccent] = useState(false)
  const [isDigits, setDigits] = useState(false)
  const layout = layouts[isDigits && kind === 'email' ? 'emailDigits' : kind]
  const state = { shift: kind === 'mixed' || (kind === 'letters' && (shift ?? capital)), accent }

  const acts: Record<Exclude<Act, 'next'>, () => void> = {
    erase: onErase,
    back: onBack,
    shift: () => {
      setShift(!state.shift)
    },
    accent: () => {
      setAccent(!accent)
    },
    digits: () => {
      setDigits(true)
    },
    letters: () => {
      setDigits(false)
    },
  }
  const faces: Partial<Record<Act, ComponentChildren>> = {
    erase: <Icon name="erase" />,
    shift: <Icon name="shift" />,
    accent: '´',
    digits: '123',
    letters: 'ABC',
    back: words.back,
    next: nextLabel,
  }
  const type = (text: string): void => {
    onType(text)
    setShift(undefined)
    setAccent(false)
  }

  const button = (key: Key) => {
    const style = { gridColumn: `span ${String(key.span)}` }
    if ('type' in key) {
      const text = typed(key.type, state)
      const name = text === ' ' ? words.space : text
      return (
        <button
          type="button"
          class={key.type.length > 1 ? 'key long-key' : 'key'}
          tabIndex={-1}
          style={style}
          onClick={() => {
            type(text)
          }}
          key={key.type}
        >
          {name}
        </button>
      )
    }
    const isPressed = key.act === 'shift' ? state.shift : key.act === 'accent' ? accent : undefined
    return (
      <button
        type={key.act === 'next' ? 'submit' : 'button'}
        class={`key act ${key.act}`}
        style={{ ...style, gridRow: `span ${String(key.rows ?? 1)}` }}
        tabIndex={key.act === 'next' || key.act === 'back' ? 0 : -1}
        aria-label={nameOf(key.act, faces[key.act], words)}
        aria-pressed={isPressed}
        onClick={key.act === 'next' ? undefined : acts[key.act]}
        key={key.act}
      >
        {faces[key.act]}
      </button>
    )
  }
  return (
    <div
      class={`keyboard ${kind === 'pad' ? 'pad' : ''}`}
      role="group"
      aria-label={words.keyboard}
      style={{ '--columns': layout.columns }}
      // The field keeps the focus, and with it the place where the next letter goes.
      onPointerDown={(event) => {
        event.preventDefault()
      }}
    >
      {layout.rows.flat().map(button)}
    </div>
  )
}

/** A name begins with what is to be seen, so that it can be spoken; a word is its own name. */
function nameOf(act: Act, face: ComponentChildren, words: Words): string | undefined {
  if (act === 'next' || act === 'back') return undefined
  return typeof face === 'string' ? `${face} ${words.keys[act]}` : words.keys[act]
}
