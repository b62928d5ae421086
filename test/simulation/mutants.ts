import { randomUUID } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { keyPlace, readKeyring, writeKeyring } from '../../agent/outbox/keyring.ts'
import type { Response, Verdict } from '../../agent/sync/classify.ts'
import type { RemoteSystem } from '../../agent/sync/systems/system.ts'
import type { RemoteSystems } from '../../agent/sync/systems/systems.ts'
import { aroundCalls } from './crash-points.ts'
import { handleOf } from './sqlite-handles.ts'
import type { Seams } from './world.ts'

/** A bug that somebody might write one day, and what is to notice it. */
export interface Mutant {
  title: string
  invariants: string[]
  seams: Seams
}

export const mutants: Mutant[] = [
  {
    title: 'the outbox answers before its commit',
    invariants: ['lost'],
    seams: {
      kiosk: {
        outbox: (outbox, path) => {
          const database = handleOf(path)
          return aroundCalls(outbox, (name, call) => {
            if (database.inTransaction) database.exec('COMMIT')
            if (name === 'append') database.exec('BEGIN')
            return call()
          })
        },
      },
    },
  },
  {
    title: 'a request that the server is still at counts as delivered',
    // The answer also asked to wait.
    invariants: ['told too early', 'retry-after'],
    seams: withVerdict((response, verdict) =>
      response.kind === 'answer' && response.headers['idempotency-key-state'] === 'in-progress'
        ? delivered
        : verdict,
    ),
  },
  {
    title: 'a registration is given up when the server breaks',
    invariants: ['given up'],
    seams: withVerdict((response, verdict) =>
      response.kind === 'answer' && response.status === 500
        ? { kind: 'dead', error: 'rejected-invalid', receipt: '{}' }
        : verdict,
    ),
  },
  {
    title: 'every attempt has a new idempotency key',
    invariants: ['stranger', 'doubled', 'told too early'],
    seams: {
      kiosk: {
        send: (send) => (request, what, signal) => {
          const headers = { ...request.headers, 'idempotency-key': `"${randomUUID()}"` }
          return send({ ...request, headers }, what, signal)
        },
      },
    },
  },
  {
    title: 'what was under way when the agent died is forgotten',
    invariants: ['told too early'],
    seams: {
      kiosk: {
        outbox: (outbox) => {
          let isNew = true
          return aroundCalls(outbox, (_name, call) => {
            const underWay = isNew ? outbox.page(0, 1000).filter(({ attempts }) => attempts > 0) : []
            isNew = false
            for (const { id } of underWay) outbox.markDelivered(id, '{}')
            return call()
          })
        },
      },
    },
  },
  {
    title: 'the server stores before it looks at the key',
    invariants: ['doubled', 'given up', 'stuck'],
    seams: {
      server: {
        idempotency: (real, database) => ({
          ...real,
          once: async (request, work) => {
            const answer = await database.transact(work)
            return real.once(request, () => Promise.resolve(answer))
          },
        }),
      },
    },
  },
  {
    title: 'the server answers before its commit',
    invariants: ['told too early'],
    seams: {
      server: {
        transact: (real) => (work) =>
          new Promise((resolve, reject) => {
            real(async (tx) => {
              const done = await work(tx)
              resolve(done)
              return done
            }).catch(reject)
          }),
      },
    },
  },
  {
    title: 'the agent does not hear how long it is to wait',
    invariants: ['retry-after'],
    seams: withVerdict((_response, verdict) => {
      if (verdict.kind !== 'retry') return verdict
      const { waitMs: _waitMs, ...hasty } = verdict
      return hasty
    }),
  },
  {
    title: 'waits last a hundredth of what they should',
    // What is settled is old a hundred times too early as well.
    invariants: ['hot', 'retry-after'],
    seams: {
      kiosk: {
        clock: (clock) => ({
          now: () => clock.now(),
          monoMs: () => clock.monoMs() * 100,
          sleep: (ms, signal) => clock.sleep(ms / 100, signal),
        }),
      },
    },
  },
  {
    title: 'waits are measured on the wall clock',
    // By it, too, what is settled would be old at once.
    invariants: ['stuck', 'retry-after', 'lost'],
    seams: {
      kiosk: {
        clock: (clock) => ({
          now: () => clock.now(),
          monoMs: () => clock.wallMs,
          sleep: (ms, signal) => clock.sleep(ms, signal),
        }),
      },
    },
  },
  {
    title: 'the newest registration goes first',
    invariants: ['order'],
    seams: {
      kiosk: {
        outbox: (outbox) =>
          aroundCalls(outbox, (name, call) => {
            if (name !== 'nextBatch') return call()
            const newest = outbox.list(1, undefined, 'pending')
            return newest.length > 0 ? newest : call()
          }),
      },
    },
  },
  {
    title: 'what the server refuses for good is tried for ever',
    invariants: ['stuck'],
    seams: withVerdict((_response, verdict) =>
      verdict.kind === 'dead' ? { kind: 'retry', error: 'server-failed', suspect: true } : verdict,
    ),
  },
  {
    title: 'what is settled is forgotten at once',
    invariants: ['lost'],
    seams: {
      kiosk: {
        outbox: (outbox) =>
          aroundCalls(outbox, (name, call) => {
            if (name !== 'forgetTombstones') return call()
            outbox.upkeep.forgetDelivered(0)
            return outbox.upkeep.forgetTombstones(0)
          }),
      },
    },
  },
  {
    title: 'a correction is sent as it was before',
    invariants: ['lost'],
    seams: {
      kiosk: {
        outbox: (outbox) =>
          aroundCalls(outbox, (name, call, [id]) => {
            if (name !== 'fix') return call()
            outbox.letters.retry(String(id))
            return undefined
          }),
      },
    },
  },
  {
    title: 'an old data key goes before everything is under the new one',
    invariants: ['lost'],
    seams: {
      kiosk: {
        outbox: (outbox, path) =>
          aroundCalls(outbox, (name, call) => {
            const done = call()
            if (name === 'rotate') forgetOldKeys(dirname(path))
            return done
          }),
      },
    },
  },
  {
    title: 'the disk changes a link of the chain',
    invariants: ['chain'],
    seams: {
      kiosk: {
        outbox: (outbox, path) => {
          const change = handleOf(path).prepare(
            `UPDATE registrations SET link = zeroblob(32) WHERE state = 'delivered'`,
          )
          return aroundCalls(outbox, (name, call) => {
            if (name === 'append') change.run()
            return call()
          })
        },
      },
    },
  },
  {
    title: 'a damaged outbox is begun anew',
    invariants: ['lost'],
    seams: {
      kiosk: {
        opening: (folder) => {
          const path = join(folder, 'outbox.db')
          if (!existsSync(path) || isSound(path)) return
          for (const suffix of ['', '-wal', '-shm', '-mark']) rmSync(path + suffix, { force: true })
        },
      },
    },
  },
  {
    title: 'a scout goes at the first failure',
    invariants: ['order'],
    seams: {
      kiosk: {
        outbox: (outbox) =>
          aroundCalls(outbox, (name, call, [limit, resting]) => {
            if (name !== 'nextBatch' || limit !== 1) return call()
            const suspects = [...(resting as string[])]
            const scout = suspects.length === 0 ? undefined : outbox.behind(suspects, suspects)
            return scout === undefined ? call() : [scout]
          }),
      },
    },
  },
  {
    title: 'the log tells what is sent',
    invariants: ['privacy'],
    seams: {
      kiosk: {
        log: (log) => {
          log.info('%s', 'zoraida1@example.com')
          return log
        },
      },
    },
  },
]

const delivered: Verdict = { kind: 'delivered', receipt: '{}' }

/** The systems with another opinion of what an answer means. */
function withVerdict(opinion: (response: Response, verdict: Verdict) => Verdict): Seams {
  const mutated = (system: RemoteSystem): RemoteSystem => ({
    ...system,
    classify: (response, isRepeat) => opinion(response, system.classify(response, isRepeat)),
  })
  return {
    kiosk: {
      systems: (real) =>
        Object.fromEntries(
          Object.entries(real).map(([name, system]) => [name, mutated(system)]),
        ) as RemoteSystems,
    },
  }
}

function forgetOldKeys(folder: string): void {
  const place = keyPlace(folder, undefined)
  const keyring = readKeyring(place)
  if (keyring !== undefined) writeKeyring(place, { ...keyring, data: keyring.data.slice(0, 1) })
}

function isSound(path: string): boolean {
  try {
    const database = new Sqlite(path, { readonly: true })
    try {
      return database.pragma('quick_check', { simple: true }) === 'ok'
    } finally {
      database.close()
    }
  } catch {
    return false
  }
}
