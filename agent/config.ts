import { isIP } from 'node:net'
import { z } from 'zod'
import { wholeNumber } from '../shared/config.ts'
import { maxLengths } from '../shared/contracts/digital-registry.ts'
import { logLevels } from '../shared/log.ts'

export const envPrefix = 'VLT_AGENT_'

function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}

const serverUrl = z.string().refine(
  (value) => {
    const url = URL.parse(value)
    return (
      url !== null &&
      /^https?:$/.test(url.protocol) &&
      url.search === '' &&
      url.hash === '' &&
      url.username === '' &&
      url.password === ''
    )
  },
  { error: 'must be an http(s) address without user, query or fragment' },
)

const list = z.union([z.array(z.string()), z.string().transform((value) => value.split(','))])
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')])

/** Every setting of vlt-agent; its key is the flag's name in camelCase. */
export const agentConfig = z
  .object({
    data: z.string().min(1).default('var/agent'),
    serverUrl: serverUrl.optional(),
    insecureHttp: flag.default(false),
    /** Who this machine is to the digital registry; the file holds the password alone. */
    registryUsername: z.string().min(1).max(maxLengths.Username).optional(),
    registryPasswordFile: z.string().min(1).optional(),
    reader: list.default([]),
    pagePort: wholeNumber(0, 65_535).default(8090),
    /** File with the secret for questions about cards; without it the page cannot say whether a card is active. */
    clientSecretFile: z.string().min(1).optional(),
    /** File with the secret of the kiosk's browser session; without it any local browser may open the page. */
    pageSecretFile: z.string().min(1).optional(),
    /** Pixels of one millimetre of the lobby's screen: 4 fits 21.5" at 1920x1080. */
    pagePxPerMm: z.coerce.number({ error: 'must be a number' }).min(2).max(20).default(4),
    language: z.enum(['es', 'en'], { error: 'must be es or en' }).default('es'),
    outboxKeyFile: z.string().min(1).optional(),
    outboxMaxRows: wholeNumber(1, 100_000_000).default(1_000_000),
    outboxMaxMib: wholeNumber(1, 1_000_000).default(1_024),
    diskFloorMib: wholeNumber(0, 1_000_000).default(64),
    logLevel: z.enum(logLevels, { error: `must be one of ${logLevels.join(', ')}` }).default('info'),
  })
  .refine((config) => isSecureEnough(config), {
    path: ['serverUrl'],
    error: 'must be https (personal data would cross the network in clear text); --insecure-http allows it',
  })

export type AgentConfig = z.output<typeof agentConfig>
export type Language = AgentConfig['language']

/** Plain HTTP is for this machine alone, unless somebody says otherwise. */
function isSecureEnough(config: { serverUrl?: string | undefined; insecureHttp: boolean }): boolean {
  const url = URL.parse(config.serverUrl ?? '')
  return url === null || config.insecureHttp || url.protocol === 'https:' || isLoopback(url.hostname)
}
