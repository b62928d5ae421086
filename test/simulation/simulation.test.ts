import { afterAll, expect, test } from 'vitest'
import { openPlayground } from './playground.ts'
import { simulate } from './simulate.ts'

const seeds = 60
const steps = 200
const playground = openPlayground()
afterAll(() => {
  playground[Symbol.dispose]()
})

test(
  `nothing is lost, doubled, out of order or stuck in ${String(seeds)} worlds`,
  { timeout: 600_000 },
  async () => {
    let accepted = 0
    for (let seed = 1; seed <= seeds; seed++) {
      const run = await simulate({ playground: playground.path, seed, steps })
      accepted += run.accepted
      expect(run.broken, `npm run simulate -- --seed ${String(seed)}`).toBeUndefined()
    }
    // A world in which nothing happens holds every invariant.
    expect(accepted).toBeGreaterThan(10 * seeds)
  },
)

test('the same seed lives the same life, whatever was lived before', async () => {
  const live = (seed: number) => simulate({ playground: playground.path, seed, steps })
  const [first] = [await live(7), await live(8)]
  expect((await live(7)).trace).toEqual(first.trace)
  expect(first.trace.length).toBeGreaterThan(steps / 4)
})
