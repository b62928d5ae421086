import { State, Tile, type TileProps } from './tile.tsx'

/** What waits, what failed and how to go on; the server. */
export function Queue({ view: { queue, server }, said, act }: TileProps) {
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
