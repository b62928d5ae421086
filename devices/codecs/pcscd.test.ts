import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hexBytes, toHex } from './bytes.ts'
import { join } from './codec.testing.ts'
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
} from './pcscd.ts'

/** Numbers as the daemon writes them. */
function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  const view = new DataView(bytes.buffer)
  values.forEach((value, index) => {
    view.setUint32(index * 4, value, true)
  })
  return bytes
}

const name = 'ACS ACR122U PICC Interface 00 00'
const nameField = join(new TextEncoder().encode(name), new Uint8Array(128 - name.length))

describe('a request is a header of size and command, and a struct', () => {
  test.each([
    ['version', askVersion(4, 4), '0C00000011000000 0400000004000000 00000000'],
    ['establish', establish(), '0C00000001000000 0200000000000000 00000000'],
    ['readers', askReaders, '0000000012000000'],
    ['wait', wait, '0000000013000000'],
    ['stopWaiting', stopWaiting, '0000000014000000'],
    ['disconnect', disconnect(0x1234, disposition.leave), '0C00000006000000 3412000000000000 00000000'],
  ])('%s', (_, request, expected) => {
    expect(toHex(request)).toBe(expected.replaceAll(' ', ''))
  })

  test('connect', () => {
    expect(connect(0xdeadbeef, name, shareMode.shared, cardProtocol.any)).toEqual(
      join(words(152, 4, 0xdeadbeef), nameField, words(2, 3, 0, 0, 0)),
    )
    expect(connect(1, 'é'.repeat(63), 2, 3)).toHaveLength(160)
    expect(() => connect(1, 'é'.repeat(64), 2, 3)).toThrow(RangeError)
  })

  test('transmit, and the command behind it', () => {
    expect(transmit(7, cardProtocol.t1, hexBytes('FFCA000000'))).toEqual(
      join(words(32, 9, 7, 2, 16, 5, 2, 16, 258, 0), hexBytes('FFCA000000')),
    )
  })
})

describe('a reply is a struct alone', () => {
  test('of the size of its request', () => {
    const structs = { version: askVersion(4, 4), establish: establish(), disconnect: disconnect(1, 0) }
    for (const [of, request] of Object.entries(structs)) {
      expect(request.length - 8).toBe(replyBytes[of as keyof typeof structs])
    }
    expect(connect(1, name, 2, 3).length - 8).toBe(replyBytes.connect)
    expect(transmit(1, 1, new Uint8Array()).length - 8).toBe(replyBytes.transmit)
    expect(replyBytes.readers).toBe(16 * 184)
    expect(replyBytes.stopWaiting).toBe(8)
  })

  test('whose numbers stand where the header says', () => {
    expect(readVersion(words(4, 4, 0))).toEqual({ major: 4, minor: 4, rv: returnValues.success })
    expect(readEstablish(words(2, 0xcafe, 0))).toEqual({ context: 0xcafe, rv: 0 })
    const connected = join(words(1), nameField, words(2, 3, 0x7fffffff, 2, 0x8010006a))
    expect(readConnect(connected)).toEqual({
      card: 0x7fffffff,
      protocol: 2,
      rv: returnValues.securityViolation,
    })
    expect(readTransmit(words(7, 2, 16, 5, 2, 16, 6, 0))).toEqual({ responseBytes: 6, rv: 0 })
    expect(readDisconnect(words(7, 0, 0x80100069))).toEqual({ rv: returnValues.removedCard })
    expect(readStopWaiting(words(0, 0x80100002))).toEqual({ rv: returnValues.cancelled })
  })

  test('is none with another size', () => {
    fc.assert(
      fc.property(fc.nat(3_000), (size) => {
        const bytes = new Uint8Array(size)
        const expectation = (of: keyof typeof replyBytes, read: unknown): void => {
          expect(read === undefined, of).toBe(size !== replyBytes[of])
        }
        expectation('version', readVersion(bytes))
        expectation('establish', readEstablish(bytes))
        expectation('connect', readConnect(bytes))
        expectation('transmit', readTransmit(bytes))
        expectation('disconnect', readDisconnect(bytes))
        expectation('stopWaiting', readStopWaiting(bytes))
        expectation('readers', readReaders(bytes))
      }),
      { examples: Object.values(replyBytes).map((size): [number] => [size]) },
    )
  })

  test('may stand anywhere in a buffer', () => {
    expect(readVersion(join(words(9), words(4, 3, 0)).subarray(4))).toMatchObject({ major: 4, minor: 3 })
  })
})

test('modes, protocols and dispositions are those of winscard.h', () => {
  expect({ ...shareMode, ...cardProtocol, ...disposition }).toEqual({
    ...{ exclusive: 1, shared: 2, direct: 3 },
    ...{ t0: 1, t1: 2, any: 3 },
    ...{ leave: 0, reset: 1, unpower: 2 },
  })
})

test('protocols 4.3 to 4.5 are spoken', () => {
  const minors = [0, 2, 3, 4, 5, 6].filter((minor) => isSpoken({ major: 4, minor }))
  expect(minors).toEqual([3, 4, 5])
  expect(isSpoken({ major: 3, minor: 4 })).toBe(false)
  expect(isSpoken({ major: 5, minor: 4 })).toBe(false)
})

describe('the readers', () => {
  const atr = hexBytes('3B8F8001804F0CA000000306030001000000006A')
  function record(reader: string, events: number, state: number, atrBytes: number): Uint8Array {
    const field = new Uint8Array(128)
    field.set(new TextEncoder().encode(reader))
    const held = new Uint8Array(36)
    held.set(atr)
    return join(field, words(events, state, 0), held, words(atrBytes, 2))
  }
  const all = (...records: Uint8Array[]): Uint8Array => {
    const reply = new Uint8Array(replyBytes.readers)
    reply.set(join(...records))
    return reply
  }

  test('are those that have a name, in order', () => {
    const reply = all(
      record(name, 3, 0x0034, atr.length),
      record('', 0, 0, 0),
      record('Virtual PCD 00 01', 0, 0x0002, 0),
      record('GemPC 00 00', 0, 0x0001, 0),
    )
    const empty = { eventCounter: 0, isCardPresent: false, isLost: false, atr: new Uint8Array() }
    expect(readReaders(reply)).toEqual([
      { name, eventCounter: 3, isCardPresent: true, isLost: false, atr },
      { ...empty, name: 'Virtual PCD 00 01' },
      { ...empty, name: 'GemPC 00 00', isLost: true },
    ])
  })

  test('may have a name that fills its field, and an ATR that fills its own', () => {
    const [reader] = readReaders(all(record('n'.repeat(128), 1, 4, 33))) ?? []
    expect(reader?.name).toBe('n'.repeat(128))
    expect(reader?.atr).toHaveLength(33)
  })

  test('that are still starting have no ATR yet', () => {
    expect(readReaders(all(record(name, 0, 0, 34)))?.[0]?.atr).toEqual(new Uint8Array())
    expect(readReaders(all(record(name, 0, 0, 0xffffffff)))?.[0]?.atr).toEqual(new Uint8Array())
  })

  test('may be none', () => {
    expect(readReaders(all())).toEqual([])
  })

  test('of any bytes are no more than 16, with an ATR that fits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2_944, maxLength: 2_944 }), (reply) => {
        const readers = readReaders(reply) ?? []
        expect(readers.length).toBeLessThanOrEqual(16)
        for (const reader of readers) expect(reader.atr.length).toBeLessThanOrEqual(33)
      }),
      { numRuns: 20 },
    )
  })
})
