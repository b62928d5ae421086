import ipaddr from 'ipaddr.js'

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const plainIpv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

// The widest ranges that networks of one's own have: 10.0.0.0/8, a provider's /16, and fc00::/7.
const widest = { ipv4: 8, ipv6: 16, ownIpv6: 7 }

/**
 * What is wrong with one entry of the trusted proxies, or undefined. Whoever is trusted may claim any client
 * address, so only CIDRs of a plausible size pass: never all addresses, `true` or a hop count.
 */
export function trustFault(entry: string): string | undefined {
  // Octal, hexadecimal and shortened forms pass there, and mean other networks to others.
  const plain = entry.includes(':') || plainIpv4.test(entry.replace(/\/.*$/, ''))
  if (!plain || !ipaddr.isValidCIDR(entry))
    return `must be a CIDR, such as 10.1.0.0/16 or 10.1.0.7/32; "${entry}" is none`
  const [address, bits] = ipaddr.parseCIDR(entry)
  if (address instanceof ipaddr.IPv6 && holdsIpv4(address, bits)) {
    return `must not trust IPv4 through IPv6: write the range of "${entry}" as IPv4`
  }
  const limit = address.range() === 'uniqueLocal' ? widest.ownIpv6 : widest[address.kind()]
  if (bits < limit) return `must not trust nearly everybody: "${entry}" is wider than /${String(limit)}`

  return undefined
}

/**
 * The client that a rate limit counts: an IPv4 address, or the /64 of an IPv6 address, because one household
 * or host commonly holds a whole /64. Undefined for text that is no address.
 */
export function addressBucket(text: string): string | undefined {
  if (plainIpv4.test(text)) return text
  // Some proxies forward the port too: 192.0.2.1:5678, [2001:db8::1]:5678.
  const bare = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  if (!ipaddr.isValid(bare)) return undefined
  const address = ipaddr.process(bare)
  if (address instanceof ipaddr.IPv4) return address.toString()
  const network = address.parts.slice(0, 4).map((part) => part.toString(16))
  return `${network.join(':')}::/64`
}

/** Whether an address lies in one of these CIDRs; IPv4 carried by IPv6 counts as IPv4. Text that is none lies nowhere. */
export function isWithin(text: string, cidrs: readonly string[]): boolean {
  if (!ipaddr.isValid(text)) return false
  const ranges = { within: cidrs.map((cidr) => ipaddr.parseCIDR(cidr)) }
  return ipaddr.subnetMatch(ipaddr.process(text), ranges, 'outside') === 'within'
}

function holdsIpv4(address: ipaddr.IPv6, bits: number): boolean {
  const mapped = ipaddr.IPv6.parse('::ffff:0:0')
  return address.isIPv4MappedAddress() || mapped.match(address, Math.min(bits, 96))
}
