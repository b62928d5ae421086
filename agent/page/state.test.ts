import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ManualClock } from '../../devices/manual-clock.testing.ts'
import { AppError } from '../../shared/errors.ts'
import { parseClient } from '../enrolment/client-data.ts'
import { refused } from '../enrolment/registrar.ts'
import { enrolmentRequest, openPageBed, type PageBed } from './page.testing.ts'
import type { CardLookup } from './state.ts'

const clock = new ManualClock()
let bed: PageBed
let lookUp: ReturnType<typeof vi.fn<CardLookup>>
beforeEach(async () => {
  lookUp = vi.fn<CardLookup>(() => Promise.resolve(undefined))
  bed = await openPageBed({ clock, lookUp })
})
afterEach(() => bed[Symbol.asyncDispose]())

const screen = (): string => bed.state.screen.name

function enrol(codigo = 70): void {
  bed.desk.start(parseClient(JSON.stringify(enrolmentRequest(codigo).client)), 60_000)
}

function refuse(error: AppError): void {
  bed.state.show({ kind: 'refused', outcome: refused(error) })
}

test('the person sees "saved" first, with a code of six letters, and "registered" once the server has it', async () => {
  expect(screen()).toBe('idle')
  enrol()
  expect(screen()).toBe('waiting')
  bed.tap()
  expect(bed.state.screen).toMatchObject({
    name: 'saved',
    code: expect.stringMatching(/^[G-Z]{6}$/) as string,
  })
  const { code } = bed.state.screen
  bed.deliver('cliente nuevo')
  await clock.pass(0)
  expect(bed.state.screen).toMatchObject({ name: 'registered', code })
  expect(bed.outbox.find(code ?? '')).toMatchObject({ state: 'delivered' })
})

describe('of a card that was registered before', () => {
  async function duplicate(codigo: number, ownerId: number): Promise<string> {
    await clock.pass(20_000)
    enrol(codigo)
    bed.tap()
    bed.deliver('registro duplicado', ownerId)
    await clock.pass(0)
    return screen()
  }
  beforeEach(async () => {
    enrol(70)
    bed.tap('B1D3CCDB')
    bed.deliver('cliente nuevo', 7)
    await clock.pass(0)
  })

  test('its owner hears that it is theirs', async () => {
    expect(await duplicate(70, 7)).toBe('already-yours')
  })
  test('anybody else hears that it is somebody’s', async () => {
    expect(await duplicate(70, 8)).toBe('card-taken')
  })
  test('who is new to this machine hears neither: it cannot be told', async () => {
    expect(await duplicate(71, 7)).toBe('duplicate')
  })
})

test('a kiosk that has joined hears of the server whose card it is', async () => {
  for (const [owner, name] of [
    ['own', 'already-yours'],
    ['other', 'card-taken'],
  ] as const) {
    enrol()
    bed.tap()
    bed.deliver('registro duplicado', 9, owner)
    await clock.pass(0)
    expect(screen()).toBe(name)
    await clock.pass(20_000)
  }
})

describe('a card of the person at the kiosk', () => {
  beforeEach(() => {
    const client = parseClient(JSON.stringify(enrolmentRequest().client))
    bed.desk.start(client, 60_000, { settleMs: 150 })
  })

  test('is told as seen at once, over whatever is shown, and as saved when it is', async () => {
    bed.state.unclear()
    bed.tap()
    expect(bed.state.screen).toMatchObject({ name: 'reading', code: null })
    bed.state.unclear()
    expect(screen()).toBe('reading')
    await clock.pass(150)
    expect(bed.state.screen).toMatchObject({ name: 'saved', leftMs: 20_000, secondCard: false })
    await clock.pass(5_000)
    expect(bed.state.screen.leftMs).toBe(15_000)
  })

  test('beside another one is none, and one alone is asked for', async () => {
    bed.tap('A0C2BBCA')
    bed.tap('B1D3CCDB')
    expect(screen()).toBe('two-cards')
    await clock.pass(5_000)
    expect(screen()).toBe('waiting')
    expect(bed.outbox.list(1)).toEqual([])
  })

  test('that is not the only one is said beside the outcome, also when the server has it', async () => {
    bed.tap('A0C2BBCA')
    await clock.pass(150)
    const { number } = bed.state.screen
    bed.tap('B1D3CCDB')
    expect(bed.state.screen).toMatchObject({ name: 'saved', number, secondCard: true })
    bed.deliver('cliente nuevo')
    await clock.pass(0)
    expect(bed.state.screen).toMatchObject({ name: 'registered', secondCard: true })
  })

  test('may be followed by another one at once, once its outcome was read', async () => {
    bed.tap('A0C2BBCA')
    await clock.pass(150)
    bed.state.dismiss()
    bed.tap('B1D3CCDB')
    expect(screen()).toBe('unclaimed')
    expect(lookUp).toHaveBeenCalledWith('B1D3CCDB')
  })

  test('is forgotten by who leaves while it is read', () => {
    bed.tap()
    bed.desk.cancel()
    expect(screen()).toBe('idle')
  })
})

test('a new card of a known client is told as such', async () => {
  enrol()
  bed.tap()
  bed.deliver('tarjeta agregada al cliente existente')
  await clock.pass(0)
  expect(screen()).toBe('card-added')
})

test('a full disk is no fault of the person', () => {
  refuse(new AppError('disk-full', 'full'))
  expect(screen()).toBe('cannot-store')
})

test('what the server refuses for good is told with its code', async () => {
  enrol()
  bed.tap()
  const [row] = bed.outbox.list(1)
  bed.outbox.markDead(row?.id ?? '', 'rejected-invalid', null)
  bed.registrar.settled(row?.id ?? '')
  await clock.pass(0)
  expect(bed.state.screen).toMatchObject({ name: 'rejected', code: expect.any(String) as string })
})

describe('a card without an enrolment', () => {
  test.each(['card-active', 'card-inactive', 'card-unknown'] as const)('is answered: %s', async (answer) => {
    lookUp.mockResolvedValue(answer)
    bed.tap()
    expect(screen()).toBe('unclaimed')
    await clock.pass(0)
    expect(screen()).toBe(answer)
    expect(lookUp).toHaveBeenCalledWith('A0C2BBCA')
  })

  test('is not answered after the person has gone on', async () => {
    const { promise, resolve } = Promise.withResolvers<'card-active'>()
    lookUp.mockReturnValue(promise)
    bed.tap()
    bed.state.dismiss()
    resolve('card-active')
    await clock.pass(0)
    expect(screen()).toBe('idle')
  })
})

test('an outcome is not wiped off by what happens to others, and makes room for who waits', async () => {
  refuse(new AppError('registration-settled', 'no'))
  for (const kind of ['expired', 'waiting', 'cancelled'] as const) bed.state.show({ kind })
  bed.tap()
  bed.state.unclear()
  expect(screen()).toBe('rejected')
  enrol()
  expect(screen()).toBe('rejected')
  await clock.pass(5_000)
  expect(screen()).toBe('waiting')
  bed.desk.cancel()
  expect(screen()).toBe('rejected')
  await clock.pass(15_000)
  expect(screen()).toBe('idle')
})

test.each(['random', 'unclear'] as const)(
  '%s is told at once, but never over an outcome that is read',
  async (name) => {
    const happen = (): void => {
      if (name === 'unclear') bed.state.unclear()
      else bed.tap('0824A937', 'random')
    }
    enrol()
    happen()
    expect(screen()).toBe(name)
    await clock.pass(5_000)
    expect(screen()).toBe('waiting')
    bed.tap()
    happen()
    expect(screen()).toBe('saved')
  },
)

test('the same remark twice is two events: each has its sound', () => {
  bed.state.unclear()
  const { number } = bed.state.screen
  bed.state.unclear()
  expect(bed.state.screen.number).toBeGreaterThan(number)
})

test('the person ends what is shown', () => {
  bed.state.unclear()
  bed.state.dismiss()
  expect(screen()).toBe('idle')
})
