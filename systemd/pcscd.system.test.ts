import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'

const here = import.meta.dirname
const text = (file: string): Promise<string> => readFile(join(here, file), 'utf8')

describe('the polkit rule', () => {
  interface Subject {
    user: string
    groups: string[]
  }

  /** What polkit would decide (polkit(8)). */
  async function decide(id: string, { user, groups }: Subject): Promise<unknown> {
    const rules: ((action: object, subject: object) => unknown)[] = []
    const polkit = {
      Result: { YES: 'yes', NO: 'no', NOT_HANDLED: null },
      addRule: (rule: (typeof rules)[number]) => rules.push(rule),
    }
    runInNewContext(await text('60-vlt-pcscd.rules'), { polkit })
    const subject = { user, isInGroup: (group: string) => groups.includes(group) }
    return rules.map((rule) => rule({ id }, subject)).find((result) => result !== null)
  }

  const actions = ['org.debian.pcsc-lite.access_pcsc', 'org.debian.pcsc-lite.access_card']
  const agent = { user: 'vlt-agent', groups: ['vlt-agent', 'vlt-reader'] }

  test.each(actions)('lets the agent, and the group of the readers, %s', async (action) => {
    expect(await decide(action, agent)).toBe('yes')
    expect(await decide(action, { user: 'vlt-agent', groups: [] })).toBe('yes')
    expect(await decide(action, { user: 'ana', groups: ['vlt-reader'] })).toBe('yes')
  })

  test('decides about nobody and nothing else', async () => {
    for (const action of actions) {
      expect(await decide(action, { user: 'ana', groups: ['users'] })).toBeUndefined()
    }
    expect(await decide('org.freedesktop.login1.power-off', agent)).toBeUndefined()
    expect(await decide('org.debian.pcsc-lite.access_pcsc_all', agent)).toBeUndefined()
  })

  test('is written for the user and the group of the unit', async () => {
    const unit = await text('vlt-agent.service')
    const rule = await text('60-vlt-pcscd.rules')
    const [, user = 'none'] = /^User=(.*)$/m.exec(unit) ?? []
    const [, group = 'none'] = /^SupplementaryGroups=(.*)$/m.exec(unit) ?? []
    expect(rule).toContain(`subject.user === '${user}'`)
    expect(rule).toContain(`isInGroup('${group}')`)
  })

  test('is in the language of polkit, which is ECMAScript 5', async () => {
    const code = (await text('60-vlt-pcscd.rules')).replace(/\/\/.*$/gm, '')
    expect(code).not.toMatch(/=>|\b(const|let)\b|`/)
  })
})

describe('the sandbox of the agent', () => {
  test('lets it reach a socket in /run that it has not made itself', async () => {
    const unit = await text('vlt-agent.service')
    expect(unit).toMatch(/^RestrictAddressFamilies=.*\bAF_UNIX\b/m)
    // Each would hide the socket, or who asks from polkit.
    expect(unit).not.toMatch(
      /^(PrivateUsers|PrivateNetwork|RootDirectory|RootImage|InaccessiblePaths|TemporaryFileSystem)=/m,
    )
    expect(unit).not.toMatch(/^DynamicUser=yes/m)
  })
})

test('the kernel’s NFC driver is kept off the ACR122U', async () => {
  const lines = (await text('vlt-pn533-blacklist.conf')).split('\n').filter((line) => !/^(#|$)/.test(line))
  expect(lines).toEqual(['blacklist pn533_usb', 'blacklist pn533'])
})
