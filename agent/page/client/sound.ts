/** Short tones, made here: a tick for a card that was seen, rising for good, one for "look", low twice for a problem. */
export type Sound = 'tick' | 'good' | 'soft' | 'look' | 'bad'

const tones: Record<Sound, readonly { hz: number; atMs: number; forMs: number }[]> = {
  tick: [{ hz: 2000, atMs: 0, forMs: 30 }],
  good: [
    { hz: 1000, atMs: 0, forMs: 110 },
    { hz: 1500, atMs: 120, forMs: 180 },
  ],
  soft: [{ hz: 1000, atMs: 0, forMs: 140 }],
  look: [{ hz: 750, atMs: 0, forMs: 120 }],
  bad: [
    { hz: 400, atMs: 0, forMs: 160 },
    { hz: 400, atMs: 240, forMs: 200 },
  ],
}

let context: AudioContext | undefined

/** A machine without a loudspeaker, or a browser that wants a touch first, stays silent: the screen says it all. */
export function play(sound: Sound, volume: number): void {
  if (volume <= 0) return
  try {
    context ??= new AudioContext()
    void context.resume()
    for (const { hz, atMs, forMs } of tones[sound]) {
      const start = context.currentTime + atMs / 1_000
      const oscillator = new OscillatorNode(context, { frequency: hz })
      const gain = new GainNode(context, { gain: 0 })
      gain.gain.setValueAtTime(volume * 0.3, start)
      gain.gain.setTargetAtTime(0, start + forMs / 1_000, 0.02)
      oscillator.connect(gain).connect(context.destination)
      oscillator.start(start)
      oscillator.stop(start + forMs / 1_000 + 0.1)
    }
  } catch {
    context = undefined
  }
}
