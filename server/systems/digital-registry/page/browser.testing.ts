import { send, type Received } from '../../../testbed.testing.ts'

/** What a person sees: the page that a request ends at, after redirects. */
export interface Seen extends Received {
  /** Path and query in the address bar. */
  address: string
  heading: string
  title: string
}

/** Goes through pages as a browser does: keeps cookies, follows redirects, sends forms with their hidden fields. */
export interface Browser {
  open(address: string, headers?: Record<string, string>): Promise<Seen>
  /** Sends the form of the page last seen. */
  submit(fields?: Record<string, string>): Promise<Seen>
  /** Of the page last seen. */
  hidden(): Record<string, string>
}

export function openBrowser(port: number, headers: Record<string, string> = {}): Browser {
  const cookies = new Map<string, string>()
  let seen: Seen | undefined

  const go = async (method: string, address: string, more: Record<string, string>, body?: string) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const all = { ...headers, ...(cookie === '' ? {} : { cookie }), ...more }
    const received = await send(port, { method, path: address, headers: all, ...(body && { body }) })
    for (const line of received.headers['set-cookie'] ?? []) {
      const [, name = '', value = '', age] = /^(\w+)=([^;]*); Max-Age=(\d+)/.exec(line) ?? []
      if (age === '0') cookies.delete(name)
      else cookies.set(name, value)
    }
    return received
  }

  const follow = async (address: string, received: Received): Promise<Seen> => {
    const { location } = received.headers
    if (received.status === 303 && location !== undefined) {
      const next = new URL(location, `http://host${address}`)
      const to = next.pathname + next.search
      return follow(to, await go('GET', to, {}))
    }
    const found = (pattern: RegExp): string => pattern.exec(received.body)?.[1]?.trim() ?? ''
    const title = found(/<title>([^<]*)<\/title>/)
    seen = { ...received, address, title, heading: found(/<h1>([^<]*)<\/h1>/) }
    return seen
  }

  const hidden = (): Record<string, string> => {
    const inputs = seen?.body.matchAll(/<input\s+type="hidden"\s+name="(\w+)"\s+value="([^"]*)"/g) ?? []
    return Object.fromEntries([...inputs].map(([, name = '', value = '']) => [name, value]))
  }

  return {
    open: async (address, more = {}) => follow(address, await go('GET', address, more)),
    async submit(fields = {}) {
      const address = seen?.address ?? ''
      const body = new URLSearchParams({ ...hidden(), ...fields }).toString()
      const type = { 'content-type': 'application/x-www-form-urlencoded' }
      return follow(address, await go('POST', address, type, body))
    },
    hidden,
  }
}
