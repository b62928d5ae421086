/** The operator's area: a PIN, then how everything is. Whoever stops touching it is out again. */
import { useEffect, useState } from 'preact/hooks'
import type { OperatorView } from '../../operator/view.ts'
import { post } from '../agent.ts'
import { Heading } from '../screens.tsx'
import type { Words } from '../texts/words.ts'
import { Machine } from './machine.tsx'
import { Pin } from './pin.tsx'
import { Queue } from './queue.tsx'
import { Readers } from './readers.tsx'
import { operatorTexts, type OperatorWords } from './texts.ts'

interface Props {
  words: Words
  language: 'es' | 'en'
  onLeave: () => void
}

export function Operator({ words, language, onLeave }: Props) {
  const [isIn, setIn] = useState(false)
  const said = operatorTexts[language]
  const leave = (): void => {
    if (isIn) void post('/operator/leave')
    onLeave()
  }
  // Who goes by another way than the button, the wipe above all, is out too.
  useEffect(() => () => void (isIn && post('/operator/leave')), [isIn])
  return isIn ? (
    <Area words={words} said={said} onLeave={leave} onLost={onLeave} />
  ) : (
    <Pin
      words={words}
      said={said}
      onLeave={leave}
      onRight={() => {
        setIn(true)
      }}
    />
  )
}

function Area({
  words,
  said,
  onLeave,
  onLost,
}: {
  words: Words
  said: OperatorWords
  onLeave: () => void
  onLost: () => void
}) {
  const [view, setView] = useState<OperatorView>()
  useEffect(() => {
    const source = new EventSource('/operator/events')
    source.onmessage = ({ data }: MessageEvent<string>) => {
      setView(JSON.parse(data) as OperatorView)
    }
    // The session is over, or the agent has started anew: either way the PIN is asked again.
    source.onerror = onLost
    return () => {
      source.close()
    }
  }, [])
  const act =
    (path: string, body: unknown = {}) =>
    async (): Promise<void> => {
      const answer = await post<OperatorView>(`/operator/${path}`, body)
      if ('ok' in answer) setView(answer.ok)
    }

  return (
    <div class="screen operator">
      <header>
        <Heading>{words.operator}</Heading>
        <button type="button" onClick={onLeave}>
          {words.leave}
        </button>
      </header>
      {view !== undefined && (
        <main class="tiles">
          <Readers view={view} said={said} act={act} />
          <Queue view={view} said={said} act={act} />
          <Machine view={view} said={said} act={act} />
        </main>
      )}
    </div>
  )
}
