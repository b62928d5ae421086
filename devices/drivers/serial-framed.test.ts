import { describe, expect, test } from 'vitest'
import { frameProfileNames, type FrameProfileName } from '../codecs/framed.ts'
import { readerContext, superviseAlone } from '../session.testing.ts'
import { virtualSerialBench } from '../serial-chaos.testing.ts'
import { readReaderSpec } from '../spec.ts'
import { framedWire } from './framed-wire.testing.ts'
import { serialFramed, serialFramedCodec } from './serial-framed.ts'
import { framedSpeech } from './serial-speech.testing.ts'

describe('a spec', () => {
  test.each([
    ['rdm6300', 9_600, 50, 'hex-10'],
    ['id12la', 9_600, 50, 'hex-10'],
    ['parallax', 2_400, 100, 'hex-10'],
    ['7941e', 9_600, 50, 'hex-10'],
  ])('of %s needs no more than its profile', async (profile, baudRate, idleResetMs, format) => {
    const { id, options } = await readReaderSpec(`serial-framed:/dev/ttyUSB0?profile=${profile}`)
    expect(id).toBe('serial-framed:/dev/ttyUSB0')
    expect(options).toEqual({
      path: '/dev/ttyUSB0',
      profile: { format, byteOrder: 'as-sent', uidBytes: undefined, cards: undefined },
      presenceGapMs: 600,
      cooldownMs: 1_500,
      serial: { path: '/dev/ttyUSB0', baudRate, dataBits: 8, stopBits: 1, parity: 'none' },
      frames: { profile, idleResetMs },
    })
  })

  test('may say everything', async () => {
    const { options } = await readReaderSpec(
      'serial-framed:/dev/ttyUSB0?profile=parallax&baudRate=9600&format=hex-last-4&byteOrder=reversed&uidBytes=4&cards=lf&idleResetMs=70&presenceGapMs=700&cooldownMs=0',
    )
    expect(options).toMatchObject({
      profile: { format: 'hex-last-4', byteOrder: 'reversed', uidBytes: 4, cards: 'lf' },
      presenceGapMs: 700,
      cooldownMs: 0,
      serial: { baudRate: 9_600 },
      frames: { idleResetMs: 70 },
    })
  })

  test.each([
    ['', /profile: must be one of rdm6300, id12la, parallax, 7941e, idteck/],
    ['?profile=rdm630', /profile: must be one of rdm6300/],
    ['?profile=idteck', /format: must be given with profile=idteck/],
    [
      '?profile=rdm6300&format=decimal-10',
      /format: must be one of hex-10, hex, hex-last-4 with profile=rdm6300/,
    ],
    ['?profile=7941e&uidBytes=4', /uidBytes: must be 5, or left out, with format=hex-10/],
    ['?profile=7941e&format=hex&uidBytes=4', /uidBytes: must be 5, or left out, with format=hex/],
    [
      '?profile=7941e&format=hex-last-4&uidBytes=5',
      /uidBytes: must be 4, or left out, with format=hex-last-4/,
    ],
    [
      '?profile=idteck&format=decimal-10&uidBytes=7',
      /uidBytes: must be 4, or left out, with format=decimal-10/,
    ],
    [
      '?profile=rdm6300&dataBits=7',
      /no option is called 'dataBits'; the options are profile, baudRate, format/,
    ],
  ])('%s is refused with what is wrong', async (query, message) => {
    await expect(readReaderSpec(`serial-framed:/dev/ttyUSB0${query}`)).rejects.toMatchObject({
      code: 'reader-spec-invalid',
      message: expect.stringMatching(message) as unknown,
    })
  })

  test.each([
    ['idteck', 'hex', '5'],
    ['id12la', 'hex', '5'],
  ])('of %s with format=%s and uidBytes=%s is none of those', async (profile, format, uidBytes) => {
    const text = `serial-framed:/dev/ttyUSB0?profile=${profile}&format=${format}&uidBytes=${uidBytes}`
    expect((await readReaderSpec(text)).options.profile).toMatchObject({ format, uidBytes: 5 })
  })
})

/** A supervised reader whose line the test speaks on; every frame comes 20 ms after the one before. */
async function start(profile: FrameProfileName, query: Record<string, string> = {}) {
  const options = serialFramed.options.parse({ path: '/dev/none', profile, ...query })
  const bench = virtualSerialBench(framedSpeech[profile], serialFramed, options, serialFramedCodec)
  const reader = superviseAlone(bench.spec, readerContext({ clock: bench.clock }))
  await bench.pass(0)
  return {
    taps: reader.taps,
    rejected: () => reader.supervisor.status.rejected,
    async say(...frames: Uint8Array[]) {
      for (const frame of frames) {
        bench.noise(frame)
        await bench.pass(20)
      }
    },
    pass: (ms: number) => bench.pass(ms),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  }
}

describe('a card of each profile', () => {
  test.each(frameProfileNames.filter((profile) => profile !== 'rdm6300'))(
    'of %s is a tap on its first frame',
    async (profile) => {
      const { wire, uids, query } = framedSpeech[profile]
      await using reader = await start(profile, query)
      await reader.say(wire.first)
      const proof = profile === 'parallax' ? 'none' : 'checksum'
      expect(reader.taps).toMatchObject([{ uid: uids.first, identity: 'stable', proof }])
    },
  )

  test('of rdm6300 is a tap on its second frame, which proves more than one', async () => {
    const { wire, uids } = framedSpeech.rdm6300
    await using reader = await start('rdm6300')
    await reader.say(wire.first)
    expect(reader.taps).toEqual([])
    await reader.say(wire.first)
    expect(reader.taps).toMatchObject([
      { uid: uids.first, identity: 'stable', proof: 'repeated', tappedAtMonoMs: 20 },
    ])
    await reader.say(wire.first, wire.first)
    await reader.pass(2_000)
    expect(reader.taps).toHaveLength(1)
    expect(reader.rejected()).toEqual({})
  })

  test('of rdm6300 keeps its presence by each further frame, also by one that came alone after a pause', async () => {
    const { wire, uids } = framedSpeech.rdm6300
    await using reader = await start('rdm6300', { cooldownMs: '0' })
    await reader.say(wire.first, wire.first)
    for (let turn = 0; turn < 100; turn += 1) {
      await reader.pass(550)
      await reader.say(wire.first)
    }
    expect(reader.taps.map(({ uid }) => uid)).toEqual([uids.first])
    await reader.pass(1_000)
    await reader.say(wire.first, wire.first)
    expect(reader.taps.map(({ uid }) => uid)).toEqual([uids.first, uids.first])
    expect(reader.rejected()).toEqual({})
  })

  test('may be read as the last four bytes, which two cards can share', async () => {
    await using reader = await start('id12la', { format: 'hex-last-4' })
    await reader.say(framedWire.id12la('62E3086CED'))
    expect(reader.taps).toMatchObject([{ uid: 'E3086CED', identity: 'truncated', proof: 'checksum' }])
  })

  test('may begin with 08: a 125 kHz card never makes up its number', async () => {
    await using reader = await start('idteck', { format: 'decimal-10' })
    await reader.say(framedWire.idteck('0136620343'))
    expect(reader.taps).toMatchObject([{ uid: '0824A937', identity: 'stable' }])
  })
})

/** readers.md 1b: esprfid/esp-rfid #411, arendst/Tasmota #9522; their checksums are right. */
const ghosts = ['0000000000', '000000078F', '00F00000F0', 'F000060007', 'B59A99E5A9', '4FFB388FFF']

describe('what is no card of rdm6300 never taps', () => {
  test.each(ghosts)('a ghost, %s', async (ghost) => {
    await using reader = await start('rdm6300')
    await reader.say(framedWire.rdm6300(ghost))
    await reader.pass(1_000)
    await reader.say(framedWire.rdm6300(ghost))
    await reader.pass(1_000)
    expect(reader.taps).toEqual([])
    expect(reader.rejected()).toEqual({ 'frame-unrepeated': 2 })
  })

  test('ghosts between the frames of a card, which is one tap', async () => {
    const { wire, uids } = framedSpeech.rdm6300
    await using reader = await start('rdm6300')
    for (const ghost of ghosts) {
      await reader.say(wire.first, framedWire.rdm6300(ghost), wire.first)
      await reader.pass(300)
    }
    await reader.pass(1_000)
    expect(reader.taps.map(({ uid }) => uid)).toEqual([uids.first])
    expect(reader.rejected()).toEqual({ 'frame-unrepeated': ghosts.length })
  })
})

describe.each(frameProfileNames)('what is no card of %s never taps', (profile) => {
  const { query } = framedSpeech[profile]
  const zeros = framedWire[profile]('0000000000')

  test('nothing but zeros, however often', async () => {
    await using reader = await start(profile, query)
    await reader.say(zeros, zeros, zeros)
    await reader.pass(1_000)
    expect(reader.taps).toEqual([])
    expect(reader.rejected()).toEqual({ 'uid-blank': profile === 'rdm6300' ? 2 : 3 })
  })

  test.each(frameProfileNames.filter((other) => other !== profile))('a frame of %s', async (other) => {
    await using reader = await start(profile, query)
    const { first, second } = framedSpeech[other].wire
    await reader.say(first, first, second, second, first, first)
    await reader.pass(1_000)
    expect(reader.taps).toEqual([])
    expect(Object.keys(reader.rejected())).not.toEqual([])
  })
})

// Parallax has no check of any kind.
describe.each(frameProfileNames.filter((profile) => profile !== 'parallax'))(
  'a damaged card of %s',
  (profile) => {
    const { query, wire } = framedSpeech[profile]

    test.each(Array.from(wire.first.keys()))('never taps, with byte %i wrong', async (place) => {
      const damaged = wire.first.map((byte, index) => (index === place ? byte ^ 0x01 : byte))
      await using reader = await start(profile, query)
      await reader.say(damaged, damaged, damaged)
      await reader.pass(1_000)
      expect(reader.taps).toEqual([])
      expect(Object.keys(reader.rejected())).not.toEqual([])
    })
  },
)

test('no port is offered: which reader is behind one cannot be seen', async () => {
  expect(await serialFramed.discover(new AbortController().signal)).toEqual([])
})
