import { z } from 'zod'
import { systemClock } from '../../shared/clock.ts'
import { listReaders, openPcscd } from '../transports/pcscd.ts'
import type { DiscoveredDevice, ReaderDriver } from '../reader.ts'
import { lineShape, presenceShape } from './line-options.ts'
import { driverOptions, optionHelp } from './option-text.ts'
import { isForCards } from './pcsc-readers.ts'
import { openPcscSession, type PcscOptions } from './pcsc-session.ts'

const defaultSocket = '/run/pcscd/pcscd.comm'

const { byteOrder, uidBytes } = lineShape
const shape = {
  byteOrder,
  uidBytes,
  // Long enough for a restart of pcscd, during which nobody can say that the card left.
  ...presenceShape({ gapMs: 5_000, cooldownMs: 1_500 }),
  socket: z
    .string()
    .startsWith('/', 'must be an absolute path')
    .default(defaultSocket)
    .describe(`path; default ${defaultSocket}: where pcscd listens`),
}

const options = driverOptions(shape).transform((flat): PcscOptions => {
  const { path, socket, presenceGapMs, cooldownMs } = flat
  const profile = { format: 'hex', byteOrder: flat.byteOrder, uidBytes: flat.uidBytes } as const
  return { path, socket, profile, presenceGapMs, cooldownMs }
})

/**
 * Contactless readers behind pcscd (PC/SC over USB-CCID), asked over its Unix socket: no native part, and no other
 * program is locked out. Removal is native.
 */
export const pcsc: ReaderDriver<PcscOptions> = {
  name: 'pcsc',
  summary:
    'a contactless reader of pcscd; the path is its name, or the start of it, or auto where there is only one',
  options,
  optionHelp: optionHelp(shape),
  discover: (signal) => discoverPcsc(defaultSocket, signal),
  open: openPcscSession,
}

/** The readers of the daemon that listens at `socketPath`; none where none does. */
export async function discoverPcsc(socketPath: string, signal: AbortSignal): Promise<DiscoveredDevice[]> {
  try {
    const surroundings = { clock: systemClock, trace: () => undefined }
    await using socket = await openPcscd(socketPath, surroundings, signal)
    const readers = await listReaders(socket)
    return readers
      .filter(isForCards)
      .map(({ name }) => ({ spec: `pcsc:${name}`, description: 'reader of pcscd' }))
  } catch {
    // Whoever asks what there is to open is told nothing of what cannot be opened; opening it says why.
    return []
  }
}
