import { programVersion } from '../version.ts'
import { cardsApi } from '../cards/openapi.ts'
import { kiosksApi } from '../kiosks/openapi.ts'
import { customerAccountsApi } from '../systems/customer-accounts/openapi.ts'
import { digitalRegistryApi } from '../systems/digital-registry/openapi.ts'
import { userAccountsApi } from '../systems/user-accounts/openapi.ts'
import { vltClientsApi } from '../systems/vlt-clients/openapi.ts'
import { type Assembled, assemble } from './assemble.ts'
import { platformApi } from './platform.ts'

const apis = [
  ...[vltClientsApi, customerAccountsApi, digitalRegistryApi, userAccountsApi],
  ...[cardsApi, kiosksApi, platformApi],
]

const description = `Registers the clients of the kiosks in the lobby: four APIs, each in its own dialect, and what the
server adds to them.

- A 2xx to a write means that it is stored durably.
- Every write to them accepts an \`Idempotency-Key\`: send the same request again with the same key whenever no answer came.
- \`X-RateLimit-*\` headers tell how many requests are left; after a 429 or a 503 wait for \`Retry-After\` seconds.
- Bodies are JSON in UTF-8, at most 64 KiB unless an API says otherwise. A wrong path or method below an API is answered in the dialect of that API.`

export interface OpenApiDocument extends Assembled {
  openapi: '3.1.0'
  info: { title: string; version: string; description: string }
  servers: { url: string }[]
}

/** The OpenAPI document of the whole server; without an address of its own it holds for wherever it was read from. */
export function openApiDocument(publicUrl: string | undefined): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: { title: 'VLT Kiosk', version: programVersion(), description },
    servers: [{ url: publicUrl ?? '/' }],
    ...assemble(apis),
  }
}
