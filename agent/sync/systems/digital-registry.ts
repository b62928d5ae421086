import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { registrationAnswer, registrationPath } from '../../../shared/contracts/digital-registry.ts'
import { parseWireJson } from '../../../shared/wire-json.ts'
import type { Response } from '../classify.ts'
import { classifyAlone, type RemoteSystem } from './system.ts'

/** Who this machine is to the digital registry. */
export interface RegistryAccess {
  username: string | undefined
  /** Read at every attempt: a corrected file counts at once. */
  passwordFile: string | undefined
}

// The message is a text for people.
const receipt = registrationAnswer.extend({ message: z.string() })

/**
 * Rows hold the person alone; user and password of the API are added as they leave. A repetition under our key is
 * answered again; 422 says that the key has had its success with another body, as when the password changed between.
 */
export function digitalRegistry(access: RegistryAccess): RemoteSystem {
  return {
    path: registrationPath,
    repeatMayConflict: true,
    bodyOf: (stored) => {
      const credentials = credentialsOf(access)
      if (credentials === undefined) return { error: 'registry-not-configured' }
      return { body: JSON.stringify({ ...credentials, ...(JSON.parse(stored) as object) }) }
    },
    classify: (response, isRepeat) =>
      classifyAlone(withStatusOfBody(response), isRepeat, {
        receiptOf: (body) => {
          const parsed = receipt.safeParse(body)
          return parsed.success ? JSON.stringify(parsed.data) : undefined
        },
        taken: { statuses: [422], error: 'rejected-conflict' },
        refusesUs: 'registry-refuses-us',
      }),
  }
}

function credentialsOf({ username, passwordFile }: RegistryAccess) {
  if (username === undefined || passwordFile === undefined) return undefined
  try {
    return { Username: username, Password: readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '') }
  } catch {
    return undefined
  }
}

/** The document repeats the status in the body, and PHP programs are known to send refusals with HTTP 200. */
function withStatusOfBody(response: Response): Response {
  if (response.kind === 'failure' || response.status !== 200) return response
  const { data } = z.object({ status: z.int().min(400).max(599) }).safeParse(parseWireJson(response.body))
  return data === undefined ? response : { ...response, status: data.status }
}
