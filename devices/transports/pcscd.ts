/**
 * What is asked of pcscd, over one of its connections (messages: codecs/pcscd.ts). Everything here throws an AppError
 * with a `reader-…` code when the daemon is gone, forbids it, hangs, or talks garbage; what a card or another program
 * is the reason of comes back as a return value.
 */
import { AppError, type ErrorCode } from '../../shared/errors.ts'
import {
  askReaders,
  askVersion,
  cardProtocol,
  connect,
  disconnect,
  disposition,
  establish,
  isSpoken,
  readConnect,
  readDisconnect,
  readEstablish,
  readReaders,
  readStopWaiting,
  readTransmit,
  readVersion,
  replyBytes,
  returnValues,
  shareMode,
  stopWaiting,
  transmit,
  wait,
  type ReaderState,
} from '../codecs/pcscd.ts'
import { PcscdSocket, type PcscdSurroundings } from './pcscd-socket.ts'

/**
 * How long the daemon may take for anything, in milliseconds. A daemon that systemd starts for us first starts the
 * drivers of its readers, and says nothing of them until they run.
 */
const answerMs = 10_000
/** How long to wait before asking a daemon again that hung up on us, in milliseconds. */
const secondTryMs = 250
/** Longest answer of a card to a short command: 256 bytes and the status. */
const maxResponseBytes = 258

/** A connected card: only for the connection it was connected on. */
export interface ConnectedCard {
  card: number
  protocol: number
}

/** Connects and agrees on a protocol. */
export async function openPcscd(
  path: string,
  surroundings: PcscdSurroundings,
  signal: AbortSignal,
): Promise<PcscdSocket> {
  for (let isSecondTry = false; ; isSecondTry = true) {
    const socket = await PcscdSocket.open(path, surroundings, signal)
    const giveUp = (): void => {
      void socket[Symbol.asyncDispose]()
    }
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      await agreeOnProtocol(socket)
      return socket
    } catch (error) {
      await socket[Symbol.asyncDispose]()
      if (!socket.isHungUp) throw error
      // Daemons before 1.9.9 hang up on whom polkit refuses; one that is just ending does so once.
      if (isSecondTry) throw new AppError('reader-unauthorised', 'pcscd hung up on us', { cause: error })
      await surroundings.clock.sleep(secondTryMs, signal)
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }
}

async function agreeOnProtocol(socket: PcscdSocket): Promise<void> {
  const first = await version(socket, 4)
  if (!isSpoken(first)) {
    const spoken = `${String(first.major)}.${String(first.minor)}`
    throw new AppError('reader-protocol', `pcscd speaks protocol ${spoken}, understood are 4.3 to 4.5`)
  }
  if (first.rv === returnValues.success) return
  const second = await version(socket, first.minor)
  check(second.rv, 'version')
}

async function version(socket: PcscdSocket, minor: number) {
  return whole(readVersion(await ask(socket, askVersion(4, minor), replyBytes.version)))
}

/** Answers the context that cards are connected in. */
export async function establishContext(socket: PcscdSocket): Promise<number> {
  const { context, rv } = whole(readEstablish(await ask(socket, establish(), replyBytes.establish)))
  check(rv, 'establish')
  return context
}

export async function listReaders(socket: PcscdSocket): Promise<ReaderState[]> {
  return whole(readReaders(await ask(socket, askReaders, replyBytes.readers)))
}

/** The readers as they are now; from then on `untilChange` tells of a change. */
export async function watchReaders(socket: PcscdSocket): Promise<ReaderState[]> {
  return whole(readReaders(await ask(socket, wait, replyBytes.readers)))
}

/**
 * Resolves when something about any reader has changed, and after `lookAgainMs` at the latest: a daemon that hangs
 * is found by asking. Exactly one struct comes, whether the change or our question was first.
 */
export async function untilChange(socket: PcscdSocket, lookAgainMs: number): Promise<void> {
  if (!(await socket.hasArrived(replyBytes.stopWaiting, lookAgainMs))) socket.send(stopWaiting)
  const reply = await socket.take(replyBytes.stopWaiting, answerMs, 'reader-daemon-down')
  const { rv } = whole(readStopWaiting(reply))
  if (rv !== returnValues.cancelled) check(rv, 'wait')
}

/** Shared: others may use the card at the same time. Answers the return value when it is not connected. */
export async function connectCard(
  socket: PcscdSocket,
  context: number,
  reader: string,
): Promise<ConnectedCard | { failure: number }> {
  const message = connect(context, reader, shareMode.shared, cardProtocol.any)
  try {
    const reply = whole(readConnect(await ask(socket, message, replyBytes.connect, 'reader-deaf')))
    checkService(reply.rv, 'connect')
    return reply.rv === returnValues.success ? reply : { failure: reply.rv }
  } catch (error) {
    // Daemons before 2.0 hang up on whom polkit refuses a card.
    if (socket.isHungUp) throw new AppError('reader-unauthorised', 'pcscd hung up on us', { cause: error })
    throw error
  }
}

/** Answers what the card said, or undefined when it could not be asked. */
export async function askCard(
  socket: PcscdSocket,
  { card, protocol }: ConnectedCard,
  command: Uint8Array,
): Promise<Uint8Array | undefined> {
  const message = transmit(card, protocol, command)
  const reply = whole(readTransmit(await ask(socket, message, replyBytes.transmit, 'reader-deaf')))
  checkService(reply.rv, 'transmit')
  if (reply.rv !== returnValues.success) return undefined
  if (reply.responseBytes > maxResponseBytes) {
    throw new AppError('reader-protocol', `pcscd announced ${String(reply.responseBytes)} bytes of a card`)
  }
  return socket.take(reply.responseBytes, answerMs, 'reader-deaf')
}

/** Leaves the card as it is. That it has been taken away meanwhile is no matter. */
export async function disconnectCard(socket: PcscdSocket, { card }: ConnectedCard): Promise<void> {
  const message = disconnect(card, disposition.leave)
  const reply = whole(readDisconnect(await ask(socket, message, replyBytes.disconnect, 'reader-deaf')))
  checkService(reply.rv, 'disconnect')
}

async function ask(
  socket: PcscdSocket,
  message: Uint8Array,
  count: number,
  late: ErrorCode = 'reader-daemon-down',
): Promise<Uint8Array> {
  return socket.ask(message, count, answerMs, late)
}

/** A struct that was read to its size can be taken apart. */
function whole<T>(reply: T | undefined): T {
  if (reply === undefined) throw new AppError('reader-protocol', 'pcscd sent a struct of another size')
  return reply
}

/** For questions that fail only when something is wrong with the daemon. */
function check(rv: number, what: string): void {
  checkService(rv, what)
  if (rv !== returnValues.success) throw refusal('reader-protocol', rv, what)
}

/** For questions that may fail because of a card. */
function checkService(rv: number, what: string): void {
  if (rv === returnValues.securityViolation) throw refusal('reader-unauthorised', rv, what)
  if (rv === returnValues.noService || rv === returnValues.serviceStopped) {
    throw refusal('reader-daemon-down', rv, what)
  }
}

function refusal(code: ErrorCode, rv: number, what: string): AppError {
  return new AppError(code, `pcscd answered ${what} with ${rv.toString(16).padStart(8, '0')}`)
}
