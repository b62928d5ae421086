import type { z } from 'zod'
import { itemResult } from '../../shared/contracts/kiosk-sync.ts'
import { registrationAnswer } from '../../shared/contracts/vlt-clients.ts'

/** The server's answer to a client, and what it says to a kiosk alone: whose the card of a duplicate is. */
export const ownedReceipt = registrationAnswer.extend({ owner: itemResult.shape.owner })

export type OwnedReceipt = z.output<typeof ownedReceipt>
export type CardOwner = NonNullable<OwnedReceipt['owner']>
