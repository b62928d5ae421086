import { parseArgs } from 'node:util'
import { mutants } from './mutants.ts'
import { openPlayground } from './playground.ts'
import { simulate } from './simulate.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    mutant: { type: 'string' },
    steps: { type: 'string', default: '200' },
    trace: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** Where no terminal shows how far it is. */
const toldEvery = 100
/** Lines of a failing seed's trace that are printed. */
const lastLines = 60

if (values.help) {
  console.log(`npm run simulate -- [--seeds N] [--from N] [--steps K] [--seed N] [--trace]

Lives through worlds of kiosks, a network and a server in virtual time, and checks after every step that nothing is lost,
doubled or out of order. Exits 1 at the first seed that breaks an invariant, and prints the end of its trace.

  --seeds N   how many (default 1000)
  --from N    the first (default 1)
  --steps K   things that happen in each, before everything is mended and must drain (default 200)
  --seed N    this one alone, with its whole trace
  --trace     print every trace
  --mutant N  with a bug planted, to see it found:
${mutants.map(({ title }, place) => `              ${String(place + 1).padStart(2)}  ${title}`).join('\n')}`)
} else {
  const from = Number(values.seed ?? values.from)
  const count = values.seed === undefined ? Number(values.seeds) : 1
  process.exitCode = await runSeeds(
    from,
    count,
    Number(values.steps),
    values.trace || values.seed !== undefined,
  )
}

async function runSeeds(from: number, count: number, steps: number, isTraced: boolean): Promise<number> {
  using playground = openPlayground()
  const startedAt = performance.now()
  const seams = mutants[Number(values.mutant) - 1]?.seams ?? {}
  let accepted = 0
  for (let seed = from; seed < from + count; seed++) {
    const run = await simulate({ playground: playground.path, seed, steps, seams })
    accepted += run.accepted
    if (isTraced) console.log(run.trace.join('\n'))
    if (run.broken !== undefined) {
      if (!isTraced) console.log(run.trace.slice(-lastLines).join('\n'))
      console.error(`seed ${String(seed)}: ${run.broken.invariant}: ${run.broken.message}`)
      console.error(`again: npm run simulate -- --seed ${String(seed)} --steps ${String(steps)}`)
      return 1
    }
    const done = seed - from + 1
    if (process.stderr.isTTY) process.stderr.write(`\r${String(done)} of ${String(count)} seeds`)
    else if (done % toldEvery === 0 && done < count) console.log(held(done, accepted, startedAt))
  }
  console.log(held(count, accepted, startedAt))
  return 0
}

function held(seeds: number, accepted: number, startedAt: number): string {
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage()
  const ofCpu = (user + system) / 1_000_000
  return (
    `${String(seeds)} seeds hold: ${String(accepted)} registrations, ${seconds.toFixed(1)} s, ` +
    `${(seeds / ofCpu).toFixed(1)} seeds per second of a processor`
  )
}
