import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { consentText } from '../consents.ts'
import { outcomeMs, type Language, type Snapshot } from '../protocol.ts'
import { post, useAgent, type Answer } from './agent.ts'
import { Form } from './form/form.tsx'
import { noAnswers, toClient, type Answers, type Path } from './form/steps.ts'
import { useIdle } from './idle.ts'
import { Operator } from './operator/operator.tsx'
import { looks, OutOfService, Outcome, Start, StillThere, Tap } from './screens.tsx'
import { play } from './sound.ts'
import { texts } from './texts/texts.ts'
import type { Outcome as OutcomeName } from './texts/words.ts'

/** What a person is filling in. It is the only personal data in the page, and lives in no other place of it. */
interface Filling {
  path: Path
  answers: Answers
}

/** So long the form says that a card came too early. */
const remarkMs = 5_000

const nothingWrong: { failure: string | undefined; wrongFields: string[] } = {
  failure: undefined,
  wrongFields: [],
}

/**
 *   start -> filling in -> sent: from here on the agent's screen is shown -> start
 *                       -> left, or nobody there any more: forgotten -> start
 *   no word of the agent -> out of service; what is being filled in waits behind it for as long as a person would
 */
export function App() {
  const [agent, hear] = useAgent()
  const [chosen, choose] = useState<Language>()
  const [filling, fill] = useState<Filling>()
  const [sending, setSending] = useState(false)
  const [wrong, setWrong] = useState(nothingWrong)
  const [isOperator, setOperator] = useState(false)
  const known = useRef<Snapshot>(undefined)
  if (agent !== undefined) known.current = agent

  const language = chosen ?? known.current?.language ?? 'es'
  const words = texts[language]
  const pxPerMm = known.current?.pxPerMm

  const forget = useCallback(() => {
    fill(undefined)
    setWrong(nothingWrong)
    choose(undefined)
    setOperator(false)
    document.getSelection()?.removeAllRanges()
  }, [])

  const screen = known.current?.screen
  const isWaiting = filling === undefined && screen?.name === 'waiting'
  const watched = isOperator
    ? 'operator'
    : filling !== undefined
      ? 'filling'
      : isWaiting
        ? screen.number
        : undefined
  const { isAsking, stay } = useIdle(watched, forget)

  useEffect(() => {
    document.documentElement.lang = language
    document.title = words.title
    if (pxPerMm !== undefined) document.documentElement.style.setProperty('--mm', `${String(pxPerMm)}px`)
  }, [language, words, pxPerMm])

  const outcome = agent === undefined ? undefined : outcomeOf(agent)
  useEffect(() => {
    if (agent !== undefined && outcome !== undefined && filling === undefined && !isOperator)
      play(looks[outcome].sound, agent.volume)
  }, [screen?.number, outcome])
  useEffect(() => {
    if (agent !== undefined && screen?.secondCard === true) play('look', agent.volume)
  }, [screen?.secondCard])

  const take = (answer: Answer<Snapshot>): boolean => {
    if ('ok' in answer) hear(answer.ok)
    return 'ok' in answer
  }
  const begin = async (path: Path): Promise<void> => {
    const answer = await post('/begin')
    // The agent says it where nothing can be kept.
    if (take(answer) && 'ok' in answer && answer.ok.screen.name !== 'cannot-store')
      fill({ path, answers: noAnswers() })
  }
  const send = async ({ path, answers }: Filling): Promise<void> => {
    setSending(true)
    const body = { client: toClient(path, answers), consentText: consentText(language) }
    const answer = await post('/enrolment', body)
    setSending(false)
    if (take(answer)) {
      fill(undefined)
      setWrong(nothingWrong)
      return
    }
    if ('ok' in answer) return
    const { code } = answer.failure
    const known = code === 'busy' || code === 'invalid' || code === 'unreachable' || code === 'cannot-store'
    const fields = 'fields' in answer.failure ? (answer.failure.fields ?? []) : []
    setWrong({ failure: words.failures[known ? code : 'failed'], wrongFields: fields })
  }
  const tell = (path: string) => (): void => void post(path).then(take)

  // A card held to the reader before the data is there: said in the form, which goes on.
  const isNew = (screen?.leftMs ?? 0) > outcomeMs - remarkMs
  const remark = outcome !== undefined && isNew ? words.tooEarly : undefined
  const cover =
    agent === undefined ? (
      <OutOfService words={words} />
    ) : isAsking ? (
      <StillThere
        words={words}
        onStay={() => {
          stay()
          if (isWaiting) tell('/enrolment/keep')()
        }}
      />
    ) : undefined
  const isCovered = cover !== undefined

  const shown = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // What had the focus before the cover came has it again.
    if (isCovered) return
    const find = (selector: string) => shown.current?.querySelector<HTMLElement>(selector)
    ;(find('.ask > input') ?? find('h1'))?.focus({ preventScroll: true })
  }, [isCovered])

  return (
    <>
      {cover}
      <div ref={shown} hidden={isCovered}>
        {body()}
      </div>
    </>
  )

  function body() {
    if (isOperator) return <Operator words={words} language={language} onLeave={forget} />
    if (filling !== undefined)
      return (
        <Form
          {...filling}
          {...wrong}
          language={language}
          words={words}
          remark={remark}
          isSending={sending}
          onChange={(answers) => {
            setWrong(nothingWrong)
            fill({ ...filling, answers })
          }}
          onLeave={forget}
          onSend={() => void send(filling)}
        />
      )
    if (agent === undefined) return null
    if (outcome === 'reading' || outcome === 'no-reader') return <Outcome name={outcome} words={words} />
    if (outcome !== undefined) {
      const { screen } = agent
      return (
        <Outcome key={screen.number} name={outcome} words={words} screen={screen} onDone={tell('/dismiss')} />
      )
    }
    if (agent.screen.name === 'waiting') return <Tap words={words} onCancel={tell('/enrolment/cancel')} />
    return (
      <Start
        words={words}
        offline={!agent.serverOnline}
        onNew={() => void begin('new')}
        onReturning={() => void begin('returning')}
        onLanguage={() => {
          choose(language === 'es' ? 'en' : 'es')
        }}
        onOperator={() => {
          setOperator(true)
        }}
      />
    )
  }
}

/** What is to be told of a card or of the reader; undefined while nothing is. */
function outcomeOf({ screen, readerReady }: Snapshot): OutcomeName | undefined {
  if (screen.name !== 'idle' && screen.name !== 'waiting') return screen.name
  return readerReady ? undefined : 'no-reader'
}
