/** The operator's area: a PIN, then how everything is. Whoever stops touching it is out again. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { OperatorView, ReaderLine } from '../operator/view.ts'
import { post } from './agent.ts'
import { Icon, type IconName } from './icons.tsx'
import { Keyboard } from './keyboard.tsx'
import { operatorTexts, type OperatorWords } from './operator-texts.ts'
import { Heading } from './screens.tsx'
import type { Words } from './texts.ts'

const maxPin = 12

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

function Pin({
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
        <p>{words.operator}</p>
        <span class="grow" />
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
            <p
              id="pin-help"
              class={complaint === undefined ? 'hint' : 'complaint'}
              role={complaint === undefined ? undefined : 'alert'}
            >
              {complaint ?? said.pinHint}
            </p>
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

type Act = (path: string, body?: unknown) => () => Promise<void>
interface TileProps {
  view: OperatorView
  said: OperatorWords
  act: Act
}

function Tile({ icon, title, children }: { icon: IconName; title: string; children: ComponentChildren }) {
  return (
    <section>
      <h2>
        <Icon name={icon} /> {title}
      </h2>
      {children}
    </section>
  )
}

/** Good and bad are said by a word, and by a colour for who sees it. */
function State({ good, children }: { good: boolean; children: ComponentChildren }) {
  return <strong class={good ? 'well' : 'ill'}>{children}</strong>
}

function Readers({ view: { readers, lines, test, results }, said, act }: TileProps) {
  return (
    <Tile icon="tap" title={said.readers}>
      {readers.length === 0 && <p>{said.noReader}</p>}
      {readers.map(({ id, state, fault }) => (
        <div class="row" key={id}>
          <p>
            <span class="mono">{id}</span>
            <br />
            <State good={state === 'ready' && fault === null}>{said.readerState[state] ?? state}</State>
            {fault !== null && (
              <>
                {' '}
                <span class="mono">{fault.code}</span>
                <br />
                <small lang="en">{fault.hint}</small>
              </>
            )}
            <br />
            <small>{said.lastTest(results[id])}</small>
          </p>
          {test?.reader === id ? (
            <div role="status" class="test">
              <p>{said.tapNow(test.taps, test.of)}</p>
              <progress value={test.taps} max={test.of} aria-label={said.test} />
              <button type="button" onClick={() => void act('test', { reader: null })()}>
                {said.stop}
              </button>
            </div>
          ) : (
            <button
              type="button"
              disabled={state !== 'ready'}
              onClick={() => void act('test', { reader: id })()}
            >
              {said.test}
            </button>
          )}
        </div>
      ))}
      <h3>{said.live}</h3>
      <ol class="lines" aria-live="polite">
        {lines.length === 0 && <li>{said.nothingYet}</li>}
        {lines.map((line, index) => (
          <li key={`${line.at}-${String(index)}`}>
            <time>{said.time(line.at)}</time> {lineText(line, said)}
          </li>
        ))}
      </ol>
    </Tile>
  )
}

function lineText(line: ReaderLine, said: OperatorWords): string {
  switch (line.what) {
    case 'tap':
      return `${said.card} ${line.card} · ${said.worth[line.worth] ?? line.worth}`
    case 'rejected':
      return `${said.noCard} · ${line.code}`
    case 'state':
      return `${said.readerState[line.state] ?? line.state}${line.code === null ? '' : ` · ${line.code}`}`
  }
}

function Queue({ view: { queue, server }, said, act }: TileProps) {
  return (
    <Tile icon="list" title={said.queue}>
      <p>
        {said.counts(queue)}
        {queue.oldestPendingSeconds !== null && ` ${said.oldest(queue.oldestPendingSeconds)}`}
      </p>
      <p>
        {said.server}:{' '}
        <State good={server.state === 'online'}>{said.serverState[server.state] ?? server.state}</State>
        {server.url !== null && <span class="mono"> {server.url}</span>}
        <br />
        <small>
          {said.lastSuccess}: {server.lastSuccessAt === null ? said.never : said.time(server.lastSuccessAt)}
        </small>
        {server.error !== null && (
          <>
            <br />
            <span class="mono">{server.error}</span> <small lang="en">{server.hint}</small>
          </>
        )}
      </p>
      <button type="button" onClick={() => void act('send')()}>
        {said.send}
      </button>
      {queue.failures.map(({ code, state, error, hint, attempts, createdAt }) => (
        <div class="row" key={code}>
          <p>
            <span class="mono">{code}</span> · {said.time(createdAt)} · {said.attempts(attempts)}
            <br />
            <State good={false}>{state === 'dead' ? said.dead : said.again}</State>{' '}
            <span class="mono">{error}</span>
            <br />
            <small lang="en">{hint}</small>
          </p>
          {state === 'dead' && (
            <button
              type="button"
              aria-label={`${said.retry} ${code}`}
              onClick={() => void act('retry', { code })()}
            >
              {said.retry}
            </button>
          )}
        </div>
      ))}
    </Tile>
  )
}

function Machine({ view: { clock, versions, bundle, volume, brightness }, said, act }: TileProps) {
  const set = (name: 'volume' | 'brightness', value: number) => () => void act('machine', { [name]: value })()
  const level = (name: 'volume' | 'brightness', value: number) => (
    <div class="row level">
      <p>
        {said[name]} <output>{Math.round(value * 100)} %</output>
      </p>
      <button
        type="button"
        aria-label={`${said[name]}: ${said.less}`}
        onClick={set(name, Math.max(0, round(value - 0.1)))}
      >
        −
      </button>
      <button
        type="button"
        aria-label={`${said[name]}: ${said.more}`}
        onClick={set(name, Math.min(1, round(value + 0.1)))}
      >
        +
      </button>
    </div>
  )
  return (
    <Tile icon="gear" title={said.machine}>
      <p>
        {said.clock}: <span class="mono">{said.moment(clock.now)}</span> {clock.timeZone}
        <br />
        <State good={clock.isSynchronised}>{clock.isSynchronised ? said.clockSet : said.clockNotSet}</State>
      </p>
      <p>
        {said.versions}:{' '}
        <span class="mono">
          vlt-agent {versions.agent} · {said.page} {versions.page} · Node {versions.node}
        </span>
      </p>
      <button type="button" onClick={() => void act('bundle')()}>
        {said.bundle}
      </button>
      {bundle !== null && (
        <p role="status">
          {said.bundleAt} <span class="mono">{bundle}</span>
        </p>
      )}
      {level('volume', volume)}
      {brightness !== null && level('brightness', brightness)}
      <button
        type="button"
        onClick={() => {
          location.reload()
        }}
      >
        {said.restart}
      </button>
    </Tile>
  )
}

const round = (value: number): number => Math.round(value * 10) / 10
