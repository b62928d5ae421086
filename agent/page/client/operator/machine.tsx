import { play } from '../sound.ts'
import { State, Tile, type TileProps } from './tile.tsx'

/** Clock, versions, report, volume and brightness of this machine. */
export function Machine({ view: { clock, versions, bundle, volume, brightness }, said, act }: TileProps) {
  const set = (name: 'volume' | 'brightness', value: number) => () => {
    void act('machine', { [name]: value })()
    if (name === 'volume') play('soft', value)
  }
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
