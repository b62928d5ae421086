import { describe, expect, test } from 'vitest'
import type { CardUid } from '../shared/card-uid.ts'
import type { Identity, Proof } from './card-frame.ts'
import { ReaderTrial } from './trial.ts'

interface Read {
  uid?: string
  identity?: Identity
  proof?: Proof
}

/** Plays a card that lies there for these times, in milliseconds. */
function lay(
  trial: ReaderTrial,
  { uid = 'A0C2BBCA', identity = 'stable', proof = 'none' }: Read,
  atMs: number[],
) {
  const read = { uid: uid as CardUid, identity, proof }
  const frame = { type: 'frame', readerId: 'x', payload: uid, form: 'text', proof: 'none' } as const
  atMs.forEach((receivedAtMonoMs, index) => {
    trial.take({ ...frame, receivedAtMonoMs, read })
    if (index === 0) trial.take({ type: 'tap', readerId: 'x', tappedAt: '', ...read })
  })
}

test('three taps of one card are good, with how often and how fast each was read', () => {
  const trial = new ReaderTrial()
  lay(trial, { proof: 'checksum' }, [0, 100, 201, 390])
  lay(trial, { proof: 'checksum' }, [5_000])
  lay(trial, { proof: 'checksum' }, [10_000, 10_050])
  const tap = { uid: 'A0C2BBCA', identity: 'stable', proof: 'checksum' }
  expect(trial.report()).toEqual({
    verdict: 'good',
    problems: [],
    notes: [],
    taps: [
      { ...tap, reads: 4, intervalMs: 101 },
      { ...tap, reads: 1, intervalMs: null },
      { ...tap, reads: 2, intervalMs: 50 },
    ],
    rejected: {},
  })
})

describe('what is wrong, or worth knowing', () => {
  test.each([
    ['another card', [{}, {}, { uid: 'DEADBEEF' }], 'bad', ['uids-differ'], []],
    [
      'a phone',
      [{ uid: '0824A937', identity: 'random' }, { uid: '080D3523', identity: 'random' }, {}],
      'bad',
      ['random'],
      [],
    ],
    ['frames of two kinds', [{ proof: 'parity' }, {}, {}], 'bad', ['worth-differs'], []],
    ['too few taps', [{}, {}], 'bad', [], []],
    [
      'a part of the number',
      [{ identity: 'truncated' }, { identity: 'truncated' }, { identity: 'truncated' }],
      'good',
      [],
      ['truncated'],
    ],
    [
      'a number that other formats read too',
      [{ identity: 'ambiguous' }, { identity: 'ambiguous' }, { identity: 'ambiguous' }],
      'good',
      [],
      ['ambiguous'],
    ],
  ] satisfies [string, Read[], string, string[], string[]][])(
    '%s',
    (_name, reads, verdict, problems, notes) => {
      const trial = new ReaderTrial()
      reads.forEach((read, index) => {
        lay(trial, read, [index * 5_000])
      })
      expect(trial.report()).toMatchObject({ verdict, problems, notes })
    },
  )

  test('reads that were no card are counted, and are no reads of the card that lies there', () => {
    const trial = new ReaderTrial()
    lay(trial, {}, [0])
    const frame = { type: 'frame', readerId: 'x', payload: 'A0C', form: 'text', proof: 'none' } as const
    trial.take({ ...frame, receivedAtMonoMs: 50, read: { code: 'uid-odd-length' } })
    trial.take({ type: 'rejected', readerId: 'x', code: 'uid-odd-length', bytes: 3 })
    trial.take({ type: 'rejected', readerId: 'x', code: 'frame-garbled', bytes: 3 })
    lay(trial, {}, [5_000])
    lay(trial, {}, [10_000])
    expect(trial.report()).toMatchObject({
      verdict: 'good',
      notes: ['rejected'],
      rejected: { 'uid-odd-length': 1, 'frame-garbled': 1 },
      taps: [{ reads: 1 }, { reads: 1 }, { reads: 1 }],
    })
  })

  test('a fourth tap is none of the test', () => {
    const trial = new ReaderTrial()
    for (const [index, uid] of ['A0C2BBCA', 'A0C2BBCA', 'A0C2BBCA', 'DEADBEEF'].entries())
      lay(trial, { uid }, [index * 5_000])
    expect(trial.report()).toMatchObject({ verdict: 'good', taps: [{}, {}, { uid: 'A0C2BBCA' }] })
    expect(trial.count).toBe(3)
  })
})
