import { afterAll, expect, test } from 'vitest'
import { mutants } from './mutants.ts'
import { openPlayground } from './playground.ts'
import { simulate, type Run } from './simulate.ts'

const steps = 200
const mostSeeds = 1_000
const playground = openPlayground()
afterAll(() => {
  playground[Symbol.dispose]()
})

test.each(mutants)(
  'the simulation notices when $title',
  { timeout: 600_000 },
  async ({ title, invariants, seams }) => {
    let run: Run | undefined
    for (let seed = 1; seed <= mostSeeds && run?.broken === undefined; seed++) {
      run = await simulate({ playground: playground.path, seed, steps, seams })
    }
    console.log(`${title}: seed ${String(run?.seed)}, ${String(run?.broken?.invariant)}`)
    expect(invariants).toContain(run?.broken?.invariant)
  },
)
