import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { systemClock, type Clock } from '../../shared/clock.ts'
import { cardProtocol, connect, readConnect, replyBytes, shareMode } from '../codecs/pcscd.ts'
import { readerConformance, type ReaderBench } from '../reader-conformance.testing.ts'
import type { Reader } from '../reader.ts'
import { listen, readerContext, superviseAlone } from '../session.testing.ts'
import { readReaderSpec } from '../spec.ts'
import { establishContext, openPcscd } from '../transports/pcscd.ts'
import { VirtualGemPc } from '../transports/virtual-gempc.testing.ts'
import { atrs, cardOf, type CardScript, VirtualPcscd } from '../transports/virtual-pcscd.testing.ts'
import { discoverPcsc } from './pcsc.ts'

const firstSlot = 'Virtual PCD 00 00'

async function open(daemon: VirtualPcscd, clock = systemClock): Promise<Reader> {
  const { driver, options } = await readReaderSpec(
    `pcsc:${firstSlot}?socket=${daemon.socket}&presenceGapMs=0`,
  )
  return driver.open(options, readerContext({ clock }))
}

/** A supervised reader, when it is ready. */
async function supervise(daemon: VirtualPcscd, query = '', path = firstSlot) {
  const reader = superviseAlone(await readReaderSpec(`pcsc:${path}?socket=${daemon.socket}${query}`))
  await expect.poll(() => reader.supervisor.status.state, { timeout: 10_000 }).toBe('ready')
  return reader
}

const soon = { timeout: 5_000, interval: 20 }

/** A card that lies there until it has been asked for its UID. */
async function tapCard(daemon: VirtualPcscd, card: CardScript, slot = 0): Promise<void> {
  const inserted = await daemon.insert(card, slot)
  await expect.poll(() => inserted.commands, soon).toContain('FFCA000000')
  await inserted.remove()
}

describe('behind a real pcscd the reader keeps the promises of every reader', () => {
  // Without a USB bus a reader leaves pcscd only together with it: those cases are played in pcsc.test.ts.
  const cases = readerConformance.filter(({ run }) => !run.toString().includes('unplug'))

  test('of which most need no unplugging', () => {
    expect(cases.map(({ name }) => name)).toEqual([
      'frames arrive whole and in order',
      'events end when the reader is disposed',
      'disposing twice, and together, is the same as once',
      'a disposed reader can be opened again at once',
      'an open reader is busy for others',
    ])
  })

  test.each(cases)('$name', async ({ run }) => {
    await using daemon = await VirtualPcscd.create()
    const bench: ReaderBench = {
      open: () => open(daemon),
      frame: (text) => tapCard(daemon, cardOf(text)),
      half: () => Promise.reject(new Error('unused')),
      unplug: () => Promise.reject(new Error('unused')),
      replug: () => Promise.reject(new Error('unused')),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
    await run(bench)
  })
})

describe('cards on a real pcscd become taps', () => {
  test.each([
    ['of four bytes', 'A0C2BBCA', atrs.classic, 'stable'],
    ['of seven bytes', '043B0F1A893180', atrs.classic, 'stable'],
    ['of ten bytes', '04A1B2C3D4E5F6A7B8C9', atrs.classic, 'stable'],
    ['that speak ISO 14443-4', '041F38D29A5B80', atrs.desfire, 'stable'],
    ['in a phone', '08DDEA85', atrs.phone, 'random'],
  ])('%s', async (_, uid, atr, identity) => {
    await using daemon = await VirtualPcscd.create()
    await using reader = await supervise(daemon)
    await tapCard(daemon, cardOf(uid, atr))
    await expect.poll(() => reader.taps, soon).toMatchObject([{ uid, identity, proof: 'none' }])
    expect(reader.supervisor.status).toMatchObject({ state: 'ready', fault: null, rejected: {} })
  })

  test('fifty times in fifty visits', { timeout: 120_000 }, async () => {
    await using daemon = await VirtualPcscd.create()
    await using reader = await supervise(daemon, '&cooldownMs=0')
    for (let visit = 1; visit <= 50; visit += 1) {
      const card = await daemon.insert(cardOf('A0C2BBCA'))
      await expect.poll(() => reader.taps.length, soon).toBe(visit)
      await card.remove()
    }
    expect(reader.supervisor.status).toMatchObject({ taps: 50, opens: 1, rejected: {}, fault: null })
  })

  test('swapped in less than 300 ms', async () => {
    await using daemon = await VirtualPcscd.create()
    await using reader = await supervise(daemon)
    const uids = ['A0C2BBCA', 'DEADBEEF', '043B0F1A893180']
    let lying = await daemon.insert(cardOf(uids[0] ?? ''))
    await expect.poll(reader.uids, soon).toHaveLength(1)
    for (const uid of uids.slice(1)) {
      const swapMs = performance.now()
      await lying.remove()
      lying = await daemon.insert(cardOf(uid))
      expect(performance.now() - swapMs).toBeLessThan(300)
      await expect.poll(reader.uids, soon).toContain(uid)
    }
    expect(reader.uids()).toEqual(uids)
  })

  test('once, however long they lie there', async () => {
    await using daemon = await VirtualPcscd.create()
    await using reader = await supervise(daemon, '&presenceGapMs=300&cooldownMs=0')
    const card = await daemon.insert(cardOf('A0C2BBCA'))
    await expect.poll(reader.uids, soon).toEqual(['A0C2BBCA'])
    await delay(3_000)
    expect(reader.uids()).toEqual(['A0C2BBCA'])
    expect(card.commands).toEqual(['FFCA000000'])
  })

  test('on two slots at once', async () => {
    await using daemon = await VirtualPcscd.create()
    await using left = await supervise(daemon)
    await using right = await supervise(daemon, '', 'Virtual PCD 00 01')
    await Promise.all([tapCard(daemon, cardOf('A0C2BBCA')), tapCard(daemon, cardOf('DEADBEEF'), 1)])
    await expect.poll(left.uids, soon).toEqual(['A0C2BBCA'])
    await expect.poll(right.uids, soon).toEqual(['DEADBEEF'])
  })
})

describe('what is no card', () => {
  test.each([
    ['without a UID', { atr: atrs.desfire, answer: () => '6A81' }, { 'answer-failed': 1 }],
    ['that answers nonsense', { atr: atrs.desfire, answer: () => '6F00' }, { 'answer-malformed': 1 }],
    ['with contacts', cardOf('A0C2BBCA', atrs.sim), { 'answer-failed': 1 }],
  ])('a card %s is counted', async (_, card, rejected) => {
    await using daemon = await VirtualPcscd.create()
    await using reader = await supervise(daemon)
    const inserted = await daemon.insert(card)
    await expect.poll(() => reader.supervisor.status.rejected, soon).toEqual(rejected)
    await inserted.remove()
    await tapCard(daemon, cardOf('DEADBEEF'))
    await expect.poll(reader.uids, soon).toEqual(['DEADBEEF'])
    expect(reader.supervisor.status).toMatchObject({ rejected, fault: null, opens: 1 })
  })

  test('a card that is pulled away while it is read is no fault', async () => {
    await using daemon = await VirtualPcscd.create()
    await using reader = await supervise(daemon)
    const card = await daemon.insert({ atr: atrs.classic, answer: () => undefined })
    await expect.poll(() => card.commands, soon).toEqual(['FFCA000000'])
    await tapCard(daemon, cardOf('DEADBEEF'))
    await expect.poll(reader.uids, soon).toEqual(['DEADBEEF'])
    expect(reader.supervisor.status).toMatchObject({ rejected: {}, fault: null, opens: 1 })
  })
})

test('a card that another program keeps to itself is a fault, and is read when that program is done', async () => {
  await using daemon = await VirtualPcscd.create()
  const surroundings = { clock: systemClock, trace: () => undefined }
  await using other = await openPcscd(daemon.socket, surroundings, new AbortController().signal)
  const context = await establishContext(other)
  const card = await daemon.insert(cardOf('A0C2BBCA'))
  const message = connect(context, firstSlot, shareMode.exclusive, cardProtocol.any)
  await expect
    .poll(
      async () => readConnect(await other.ask(message, replyBytes.connect, 5_000, 'reader-deaf'))?.rv,
      soon,
    )
    .toBe(0)

  await using reader = await supervise(daemon)
  await expect.poll(() => reader.supervisor.status.fault?.code, soon).toBe('reader-busy')
  expect(reader.supervisor.status).toMatchObject({ state: 'ready', taps: 0 })
  await other[Symbol.asyncDispose]()
  await expect.poll(reader.uids, soon).toEqual(['A0C2BBCA'])
  expect(reader.supervisor.status).toMatchObject({ fault: null, rejected: {} })
  await card.remove()
})

describe('a pcscd that', () => {
  test('is killed and started again is found again in the same process', async () => {
    await using daemon = await VirtualPcscd.create()
    await using reader = await supervise(daemon)
    for (let round = 1; round <= 3; round += 1) {
      await tapCard(daemon, cardOf(`A0C2BB0${String(round)}`))
      await expect.poll(() => reader.taps.length, soon).toBe(round)
      await daemon.kill()
      await expect
        .poll(() => reader.supervisor.status, soon)
        .toMatchObject({
          state: 'absent',
          fault: { code: 'reader-daemon-down' },
        })
      await daemon.start()
      await expect.poll(() => reader.supervisor.status, soon).toMatchObject({ state: 'ready', fault: null })
    }
    await tapCard(daemon, cardOf('DEADBEEF'))
    await expect.poll(reader.uids, soon).toEqual(['A0C2BB01', 'A0C2BB02', 'A0C2BB03', 'DEADBEEF'])
    expect(reader.supervisor.status.opens).toBe(4)
    expect(new Set(reader.faults)).toEqual(new Set(['reader-daemon-down']))
  })

  test('is killed under a card that goes on lying there makes no second tap of it', async () => {
    await using daemon = await VirtualPcscd.create()
    await using reader = await supervise(daemon)
    await daemon.insert(cardOf('A0C2BBCA'))
    await expect.poll(reader.uids, soon).toEqual(['A0C2BBCA'])
    await daemon.kill()
    await daemon.start()
    const again = await daemon.insert(cardOf('A0C2BBCA'))
    await expect.poll(() => again.commands, soon).toContain('FFCA000000')
    await again.remove()
    await tapCard(daemon, cardOf('DEADBEEF'))
    await expect.poll(reader.uids, soon).toEqual(['A0C2BBCA', 'DEADBEEF'])
  })

  test('has no such reader any more says so, until it has', async () => {
    await using daemon = await VirtualPcscd.create()
    await using reader = await supervise(daemon)
    await daemon.kill()
    await daemon.pullOut()
    await daemon.start()
    await expect.poll(() => reader.supervisor.status.fault?.code, soon).toBe('reader-not-found')
    expect(await discoverPcsc(daemon.socket, new AbortController().signal)).toEqual([])
    await daemon.kill()
    await daemon.plugIn()
    await daemon.start()
    await expect.poll(() => reader.supervisor.status.state, soon).toBe('ready')
    await tapCard(daemon, cardOf('A0C2BBCA'))
    await expect.poll(reader.uids, soon).toEqual(['A0C2BBCA'])
  })

  test('stands still is found out, and read again when it goes on', async () => {
    /** What would take ten seconds takes two. */
    const clock: Clock = {
      now: () => systemClock.now(),
      monoMs: () => systemClock.monoMs() * 5,
      sleep: (ms, signal) => systemClock.sleep(ms / 5, signal),
    }
    await using daemon = await VirtualPcscd.create()
    await using reader = await open(daemon, clock)
    const { texts: before, ended } = listen(reader)
    // Long enough for it to be asked and to answer, which it does as if nothing had happened.
    await delay(2_500)
    await tapCard(daemon, cardOf('A0C2BBCA'))
    await expect.poll(() => before, soon).toEqual(['removed', 'A0C2BBCA', 'removed'])
    daemon.signal('SIGSTOP')
    expect(await ended).toMatchObject({ code: 'reader-daemon-down' })
    await expect(open(daemon, clock)).rejects.toMatchObject({ code: 'reader-daemon-down' })
    daemon.signal('SIGCONT')
    await using again = await open(daemon)
    const { texts } = listen(again)
    await tapCard(daemon, cardOf('A0C2BBCA'))
    await expect.poll(() => texts, soon).toContain('A0C2BBCA')
  })
})

test('discovery names the readers as a spec does', async () => {
  await using daemon = await VirtualPcscd.create('ACS ACR1252 Reader')
  expect(await discoverPcsc(daemon.socket, new AbortController().signal)).toEqual([
    { spec: 'pcsc:ACS ACR1252 Reader 00 00', description: 'reader of pcscd' },
    { spec: 'pcsc:ACS ACR1252 Reader 00 01', description: 'reader of pcscd' },
  ])
})

test('an ACR122U shows what became of a card', async () => {
  await using daemon = await VirtualPcscd.create('ACS ACR122U PICC Interface')
  await using reader = await supervise(daemon, '', 'ACS ACR122U PICC Interface 00 00')
  const card = await daemon.insert({
    atr: atrs.classic,
    answer: (command) => (command === 'FFCA000000' ? 'A0C2BBCA9000' : '9000'),
  })
  await expect.poll(() => reader.taps.length, soon).toBe(1)
  const [tap] = reader.taps
  if (tap !== undefined) reader.supervisor.feedback('accepted', tap)
  await expect.poll(() => card.commands, soon).toEqual(['FFCA000000', 'FF00520000', 'FF0040A00402010101'])
})

test('a reader that answers its driver no more is deaf, though pcscd goes on listing it', async () => {
  await using gempc = await VirtualGemPc.create()
  await using daemon = await VirtualPcscd.create('GemPC', gempc.path)
  await using reader = await supervise(daemon, '', 'auto')
  gempc.card = cardOf('043B0F1A893180', atrs.desfire)
  await expect.poll(reader.uids, soon).toEqual(['043B0F1A893180'])
  await gempc.unplug()
  await expect.poll(() => reader.supervisor.status.fault?.code, soon).toBe('reader-deaf')
  const found = await discoverPcsc(daemon.socket, new AbortController().signal)
  expect(found.map(({ spec }) => spec)).toEqual(['pcsc:GemPC 00 00'])
})
