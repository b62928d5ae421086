import type { ReaderLine } from '../../operator/view.ts'
import type { OperatorWords } from './texts.ts'
import { State, Tile, type TileProps } from './tile.tsx'

/** State and fault of each reader, its test, and cards as they come. */
export function Readers({ view: { readers, lines, test, results }, said, act }: TileProps) {
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
