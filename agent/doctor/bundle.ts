import { closeSync, openSync, readdirSync, statSync, writeSync } from 'node:fs'
import { arch, platform, release, totalmem, uptime } from 'node:os'
import { join } from 'node:path'
import { version as nodeVersion } from 'node:process'
import type { Clock } from '../../shared/clock.ts'
import { AppError } from '../../shared/errors.ts'
import type { AgentConfig } from '../config.ts'
import { version } from '../version.ts'
import { runDoctor, type Told } from './doctor.ts'
import { levels } from './finding.ts'

/** Everything a helper needs: no personal data, no secrets. */
export function diagnose(config: AgentConfig, told: Told, clock: Clock) {
  const checks = runDoctor(config, told, clock)
  const level = levels.findLast((one) => checks.some((check) => check.level === one)) ?? 'ok'
  return { ...machine(config, clock), level, checks, ...('status' in told ? withoutPeople(told) : {}) }
}

/** Who waits for a tap is nobody's business elsewhere. */
function withoutPeople({ status, condition }: Exclude<Told, { trouble: unknown }>) {
  const { enrolment, ...rest } = status
  return { status: { ...rest, enrolmentSince: enrolment?.since ?? null }, condition }
}

/** Settings hold no secrets, only where they are. */
function machine(config: AgentConfig, clock: Clock) {
  const files = readable(() => readdirSync(config.data)).map((name) => {
    const { size, mode } = statSync(join(config.data, name), { throwIfNoEntry: false }) ?? {
      size: 0,
      mode: 0,
    }
    return { name, size, mode: (mode & 0o777).toString(8) }
  })
  return {
    writtenAt: clock.now(),
    version,
    node: nodeVersion,
    system: {
      platform: platform(),
      release: release(),
      arch: arch(),
      memoryBytes: totalmem(),
      uptimeSeconds: uptime(),
    },
    settings: config,
    files,
  }
}

function readable(read: () => string[]): string[] {
  try {
    return read()
  } catch {
    return []
  }
}

/** For this user alone; never over a file that is there. Throws `usage`. */
export function writeBundle(path: string, content: unknown): void {
  try {
    const file = openSync(path, 'wx', 0o600)
    writeSync(file, `${JSON.stringify(content, null, 2)}\n`)
    closeSync(file)
  } catch (cause) {
    throw new AppError('usage', `cannot write ${path}, or it is there already`, { cause })
  }
}
