// Random numbers that a seed repeats.

/** mulberry32: small, and the same everywhere. */
export function randomOf(start: number): (below: number) => number {
  let state = start | 0
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
