/** "Did you mean": the known word nearest to a mistyped one. */

/** The candidate that differs in at most a third of its letters, or that `word` begins with (or the other way round). */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  // Longer words are no slips of the finger, and the comparison is quadratic.
  if (word.length > 64) return undefined
  const lower = word.toLowerCase()
  const ranked = candidates
    .map(candidate => ({ candidate, edits: edits(lower, candidate) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(candidate.length / 3)))
    .toSorted((a, b) => a.edits - b.edits)
  return ranked[0]?.candidate
    ?? candidates.find(candidate => lower.length > 1 && (lower.startsWith(candidate) || candidate.startsWith(lower)))
}

/** Letters to insert, delete, replace or swap with their neighbour to get from one word to the other. */
function edits(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1))
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1)
      }
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}
