/** The screens on which nothing is typed. */
import { useEffect, useRef } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import { outcomeMs, warningMs, type Screen } from '../protocol.ts'
import { Ring, useSecondsLeft } from './countdown.tsx'
import { Icon, type IconName } from './icons.tsx'
import type { Sound } from './sound.ts'
import type { Outcome as OutcomeName, Words } from './texts/words.ts'

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
  reading: { tone: 'calm', icon: 'tap', sound: 'tick' },
  random: { tone: 'bad', icon: 'phone', sound: 'bad' },
  'two-cards': { tone: 'wait', icon: 'cards', sound: 'look' },
  unclear: { tone: 'wait', icon: 'question', sound: 'look' },
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

interface OutcomeProps {
  name: OutcomeName
  words: Words
  /** What the agent says of it; absent where the page shows it of itself. */
  screen?: Screen
  /** Absent where it goes by itself. */
  onDone?: () => void
}

export function Outcome({ name, words, screen, onDone }: OutcomeProps) {
  const { tone, icon } = looks[name]
  const { title, text, next } = words.outcomes[name]
  const seconds = useSecondsLeft(screen?.leftMs ?? 0)
  return (
    <main class="screen outcome" data-tone={tone}>
      <div class="sign">
        <Icon name={icon} />
      </div>
      <div role="alert">
        <Heading>{title}</Heading>
        <p>{text}</p>
        {screen?.code != null && (
          <p class="code">
            {words.code} <strong>{screen.code}</strong>
          </p>
        )}
        <p class="next">{next}</p>
        {screen?.secondCard === true && <p class="strip">{words.secondCard}</p>}
      </div>
      {onDone !== undefined && (
        <div class="buttons">
          <button type="button" class="primary" onClick={onDone}>
            {words.done}
          </button>
          <Ring seconds={seconds} of={outcomeMs / 1_000} />
        </div>
      )}
    </main>
  )
}

/** A question with one answer; whoever does not give it has left. */
export function StillThere({ words, onStay }: { words: Words; onStay: () => void }) {
  const seconds = useSecondsLeft(warningMs)
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
        <Ring seconds={seconds} of={warningMs / 1_000} />
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
