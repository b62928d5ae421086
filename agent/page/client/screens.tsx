/** The screens on which nothing is typed. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import type { Screen } from '../protocol.ts'
import { Icon, type IconName } from './icons.tsx'
import type { Sound } from './sound.ts'
import type { Outcome as OutcomeName, Words } from './texts.ts'

export type Tone = 'good' | 'wait' | 'calm' | 'bad'

/** Green is for what the server has; amber for what is safe here and not there yet. */
export const looks: Record<OutcomeName, { tone: Tone; icon: IconName; sound: Sound }> = {
  registered: { tone: 'good', icon: 'check', sound: 'good' },
  saved: { tone: 'wait', icon: 'clock', sound: 'soft' },
  'card-added': { tone: 'good', icon: 'plus', sound: 'good' },
  'already-yours': { tone: 'calm', icon: 'same', sound: 'soft' },
  'card-taken': { tone: 'bad', icon: 'person', sound: 'bad' },
  duplicate: { tone: 'calm', icon: 'same', sound: 'look' },
  rejected: { tone: 'bad', icon: 'cross', sound: 'bad' },
  'cannot-store': { tone: 'bad', icon: 'disk', sound: 'bad' },
  expired: { tone: 'wait', icon: 'clock', sound: 'look' },
  random: { tone: 'bad', icon: 'phone', sound: 'bad' },
  unclear: { tone: 'wait', icon: 'cards', sound: 'look' },
  unclaimed: { tone: 'calm', icon: 'question', sound: 'look' },
  'card-active': { tone: 'good', icon: 'check', sound: 'good' },
  'card-inactive': { tone: 'bad', icon: 'cross', sound: 'bad' },
  'card-unknown': { tone: 'wait', icon: 'question', sound: 'look' },
  'no-reader': { tone: 'bad', icon: 'plug', sound: 'bad' },
}

/** A heading that takes the focus: whoever does not see the screen change hears it. */
export function Heading({ children }: { children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <h1 tabIndex={-1} ref={heading}>
      {children}
    </h1>
  )
}

interface StartProps {
  words: Words
  offline: boolean
  onNew: () => void
  onReturning: () => void
  onLanguage: () => void
  onOperator: () => void
}

export function Start({ words, offline, onNew, onReturning, onLanguage, onOperator }: StartProps) {
  return (
    <main class="screen start">
      <div class="sign">
        <Icon name="tap" />
      </div>
      <Heading>{words.welcome}</Heading>
      <p>{words.welcomeText}</p>
      <div class="buttons">
        <button type="button" class="primary" onClick={onNew}>
          {words.newClient}
        </button>
        <button type="button" onClick={onReturning}>
          {words.returning}
        </button>
      </div>
      <p class="aside">{words.checkCard}</p>
      {offline && (
        <p class="strip" role="status">
          {words.offline}
        </p>
      )}
      <nav class="corner">
        <button
          type="button"
          class="quiet"
          onClick={onLanguage}
          lang={words.other === 'English' ? 'en' : 'es'}
        >
          {words.other}
        </button>
        <button type="button" class="quiet" onClick={onOperator}>
          <Icon name="gear" />
          {words.operator}
        </button>
      </nav>
    </main>
  )
}

export function Tap({ words, onCancel }: { words: Words; onCancel: () => void }) {
  return (
    <main class="screen tap" data-tone="calm">
      <div class="sign pulsing">
        <Icon name="tap" />
      </div>
      <Heading>{words.tap}</Heading>
      <p>{words.tapText}</p>
      <div class="buttons">
        <button type="button" onClick={onCancel}>
          {words.cancel}
        </button>
      </div>
    </main>
  )
}

export function Outcome({
  name,
  code,
  words,
  onDone,
}: {
  name: OutcomeName
  code: Screen['code']
  words: Words
  onDone: (() => void) | undefined
}) {
  const { tone, icon } = looks[name]
  const { title, text, next } = words.outcomes[name]
  return (
    <main class="screen outcome" data-tone={tone}>
      <div class="sign">
        <Icon name={icon} />
      </div>
      <div role="alert">
        <Heading>{title}</Heading>
        <p>{text}</p>
        {code !== null && (
          <p class="code">
            {words.code} <strong>{code}</strong>
          </p>
        )}
        <p class="next">{next}</p>
      </div>
      {onDone !== undefined && (
        <div class="buttons">
          <button type="button" class="primary" onClick={onDone}>
            {words.done}
          </button>
        </div>
      )}
    </main>
  )
}

/** A question with one answer; whoever does not give it has left. */
export function StillThere({ words, leftMs, onStay }: { words: Words; leftMs: number; onStay: () => void }) {
  const [endsAt] = useState(() => performance.now() + leftMs)
  const [seconds, setSeconds] = useState(Math.ceil(leftMs / 1_000))
  useEffect(() => {
    const timer = setInterval(() => {
      setSeconds(Math.max(0, Math.ceil((endsAt - performance.now()) / 1_000)))
    }, 250)
    return () => {
      clearInterval(timer)
    }
  }, [endsAt])
  return (
    <main class="screen still" data-tone="wait">
      <div class="sign">
        <Icon name="clock" />
      </div>
      <div role="alertdialog" aria-labelledby="still" aria-describedby="still-text">
        <Heading>
          <span id="still">{words.stillThere}</span>
        </Heading>
        <p id="still-text" aria-live="off">
          {words.stillThereText(seconds)}
        </p>
      </div>
      <div class="buttons">
        <button type="button" class="primary" onClick={onStay}>
          {words.stay}
        </button>
      </div>
    </main>
  )
}

/** No word of the agent. It is looked for all the time, and this screen goes by itself. */
export function OutOfService({ words }: { words: Words }) {
  return (
    <main class="screen closed" data-tone="bad">
      <div class="sign">
        <Icon name="wrench" />
      </div>
      <div role="alert">
        <Heading>{words.closed}</Heading>
        <p>{words.closedText}</p>
      </div>
    </main>
  )
}
