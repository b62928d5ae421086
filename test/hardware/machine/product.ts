/** Our product in the machine, installed as systemd/README.md says, as far as that goes without a service manager. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { socketPath } from '../../../agent/control/protocol.ts'
import { stateFolder, type Machine } from './machine.ts'
import { compileCache } from './supplies.ts'

const installed = '/usr/lib/vlt-kiosk'
const cache = `${installed}/${compileCache}`
const log = '/run/vlt-agent.log'
const bridgePort = 7000
const readyWithinMs = 60_000

/** A shell command line that runs a TypeScript file of the checkout. */
export function runTypescript(command: string): string {
  return `env NODE_COMPILE_CACHE=${cache} NODE_COMPILE_CACHE_PORTABLE=1 ${installed}/node_modules/.bin/node ${installed}/${command}`
}

/** Runs a command line as root. Throws what it printed when it fails. */
export async function must(machine: Machine, command: string): Promise<string> {
  const { code, output } = await machine.run(command)
  if (code !== 0) throw new Error(`${command} failed with ${String(code)}:\n${output}`)
  return output
}

/** Makes the users, and the folder that the unit would make. What V8 has made is for each user apart. */
export async function installUsers(machine: Machine): Promise<void> {
  const target = '/usr/lib/sysusers.d/vlt-agent.conf'
  await must(
    machine,
    `cp ${installed}/systemd/vlt-agent.sysusers.conf ${target} && systemd-sysusers ${target}`,
  )
  await must(machine, `install -d -o vlt-agent -g vlt-agent -m 700 ${stateFolder}/agent`)
  const copy = 'cp -r $made-0 $made-$(id -u vlt-agent) && chown -R vlt-agent $made-$(id -u vlt-agent)'
  await must(machine, `cd ${cache} && made=$(ls | sed 's/-0$//') && ${copy}`)
}

export async function installRules(machine: Machine): Promise<void> {
  const rules = `${installed}/systemd/60-vlt-readers.rules`
  await must(machine, `cp ${rules} /usr/lib/udev/rules.d/ && ${readRules}`)
}

/** What a technician does after a change of the rules. */
export const readRules = 'udevadm control --reload && udevadm trigger && udevadm settle'

/** Runs a `vlt-agent` command as the agent's user; what it prints. */
export function runAgentCommand(machine: Machine, args: string): Promise<string> {
  return must(machine, asAgent(runTypescript(`agent/cli.ts ${args} --data ${stateFolder}/agent`)))
}

/** A shell command line, run by the user of the agent and with its groups. */
export function asAgent(command: string): string {
  return `setpriv --reuid=vlt-agent --regid=vlt-agent --init-groups ${command}`
}

export interface AgentInMachine extends AsyncDisposable {
  /** A folder on the host whose control socket leads to the agent's, for whoever calls an agent. */
  readonly data: string
  readonly pid: number
  log(): Promise<string>
}

/** Starts the agent in the machine; `as` is who runs it. Disposing stops it as its service manager would. */
export async function startAgentIn(
  machine: Machine,
  args: string[],
  { as = asAgent }: { as?: (command: string) => string } = {},
): Promise<AgentInMachine> {
  await using stack = new AsyncDisposableStack()
  const options = ['--data', `${stateFolder}/agent`, '--page-port', '0', ...args]
  const run = runTypescript(`agent/cli.ts run ${options.map((option) => `"${option}"`).join(' ')}`)
  const pid = Number(await must(machine, `${as(run)} > ${log} 2>&1 & echo $!`))
  stack.defer(async () => {
    await unlessCut(machine.run(`kill ${String(pid)} && tail --pid=${String(pid)} -f /dev/null`))
  })
  const seconds = String(readyWithinMs / 1_000)
  const ready = `tail -n +1 -f ${log} --pid=${String(pid)} | grep -q -m 1 "^vlt-agent ready"`
  const { code } = await machine.run(`timeout ${seconds} sh -c '${ready}'`)
  if (code !== 0) throw new Error(`the agent is not ready:\n${(await machine.run(`cat ${log}`)).output}`)
  const data = await bridge(machine, stack)

  const owned = stack.move()
  return {
    data,
    pid,
    log: () => must(machine, `cat ${log}`),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** In a machine without power nothing has to be stopped. */
const unlessCut = (stopping: Promise<unknown>): Promise<unknown> => stopping.catch(() => undefined)

/** The control socket of the agent in the machine, in a folder of the host. */
async function bridge(machine: Machine, stack: AsyncDisposableStack): Promise<string> {
  const from = `TCP-LISTEN:${String(bridgePort)},fork,reuseaddr`
  const to = `UNIX-CONNECT:${socketPath(`${stateFolder}/agent`)}`
  const listens = `:${bridgePort.toString(16).toUpperCase()} `
  const untilItDoes = `until grep -q '${listens}' /proc/net/tcp; do sleep 0.02; done`
  const pid = Number(await must(machine, `socat ${from} ${to} > /dev/null 2>&1 & echo $!; ${untilItDoes}`))
  stack.defer(async () => {
    await unlessCut(machine.run(`kill ${String(pid)}`))
  })
  const port = await machine.forward(bridgePort)
  const data = stack.adopt(mkdtempSync(join(tmpdir(), 'vlt-agent-in-machine-')), (path) => {
    rmSync(path, { recursive: true, force: true })
  })
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy()).on('close', () => far.destroy())
    far.on('error', () => near.destroy()).on('close', () => near.destroy())
  })
  server.listen(socketPath(data))
  await once(server, 'listening')
  stack.defer(() => {
    server.close()
  })
  return data
}
