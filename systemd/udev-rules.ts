/**
 * Reads and plays our udev rules, for the tests: `udevadm verify` came with systemd 254, and needs udev. Knows the
 * keys that our rules use and refuses every other (udev(7)).
 */
interface Term {
  key: string
  operator: string
  value: string
}

export interface UdevDevice {
  action: string
  subsystem: string
  env: Record<string, string>
  /** Subsystem, name and attributes of the device itself, then of its parents. */
  chain: { subsystem: string; kernel?: string; attributes: Record<string, string> }[]
}

export interface UdevOutcome {
  group?: string
  mode?: string
  symlinks: string[]
  env: Record<string, string>
  /** What was written to attributes of the device itself. */
  attributes: Record<string, string>
}

const operators: [key: RegExp, allowed: string[]][] = [
  [/^(ACTION|KERNEL|SUBSYSTEM|KERNELS|SUBSYSTEMS|ATTRS\{\w+\})$/, ['==', '!=']],
  [/^ENV\{\w+\}$/, ['==', '!=', '=']],
  [/^(GROUP|MODE|GOTO|LABEL|IMPORT\{builtin\}|ATTR\{\w+\})$/, ['=']],
  [/^SYMLINK$/, ['+=']],
]

export function parseUdevRules(text: string): Term[][] {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseRule)
  const labels = rules.flat().filter(({ key }) => key === 'LABEL')
  for (const { key, value } of rules.flat()) {
    if (key === 'GOTO' && !labels.some((label) => label.value === value)) throw new Error(`no LABEL ${value}`)
  }
  return rules
}

function parseRule(line: string): Term[] {
  if (!/^[^,"]+"[^"]*"(, [^,"]+"[^"]*")*$/.test(line))
    throw new Error(`not terms with commas between: ${line}`)
  return [...line.matchAll(/([^,"]+)"([^"]*)"/g)].map(([, head = '', value = '']) => {
    const [, key = '', operator = ''] = /^ ?([A-Z]+(?:\{\w+\})?)(==|!=|\+=|=)$/.exec(head) ?? []
    const allowed = operators.find(([known]) => known.test(key))?.[1]
    if (allowed?.includes(operator) !== true) throw new Error(`not understood: ${head.trim()} in ${line}`)
    return { key, operator, value }
  })
}

export function playUdevRules(rules: Term[][], device: UdevDevice): UdevOutcome {
  const outcome: UdevOutcome = { symlinks: [], env: { ...device.env }, attributes: {} }
  let skipTo: string | undefined
  for (const rule of rules) {
    const label = rule.find(({ key }) => key === 'LABEL')?.value
    if (skipTo !== undefined && label !== skipTo) continue
    skipTo = undefined
    if (!matches(rule, device, outcome.env)) continue
    for (const { key, operator, value } of rule) {
      if (operator === '==' || operator === '!=') continue
      const text = value.replace(/\$env\{(\w+)\}/g, (_, name: string) => outcome.env[name] ?? '')
      if (key === 'GOTO') skipTo = text
      else if (key === 'GROUP') outcome.group = text
      else if (key === 'MODE') outcome.mode = text
      else if (key === 'SYMLINK') outcome.symlinks.push(text)
      else if (key.startsWith('ATTR{')) outcome.attributes[key.slice(5, -1)] = text
      else if (key.startsWith('ENV{')) outcome.env[key.slice(4, -1)] = text
    }
  }
  return outcome
}

function matches(rule: Term[], device: UdevDevice, env: Record<string, string>): boolean {
  const tests = rule.filter(({ operator }) => operator === '==' || operator === '!=')
  // All terms on parents must hold for the same parent.
  const onParents = tests.filter(({ key }) => /^(SUBSYSTEMS|KERNELS|ATTRS)/.test(key))
  const ofParent = (link: UdevDevice['chain'][number], key: string): string | undefined => {
    if (key === 'SUBSYSTEMS') return link.subsystem
    return key === 'KERNELS' ? link.kernel : link.attributes[key.slice(6, -1)]
  }
  const ofDevice = (key: string): string => {
    if (key === 'ACTION') return device.action
    if (key === 'SUBSYSTEM') return device.subsystem
    if (key === 'KERNEL') return device.chain[0]?.kernel ?? ''
    return env[key.slice(4, -1)] ?? ''
  }
  return (
    tests.every((term) => onParents.includes(term) || holds(term, ofDevice(term.key))) &&
    (onParents.length === 0 ||
      device.chain.some((link) => onParents.every((term) => holds(term, ofParent(link, term.key)))))
  )
}

function holds({ operator, value }: Term, actual: string | undefined): boolean {
  const isMatch =
    actual !== undefined &&
    value.split('|').some((pattern) => {
      const source = pattern
        .replace(/[.+^${}()\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')
      return new RegExp(`^${source}$`).test(actual)
    })
  return isMatch === (operator === '==')
}
