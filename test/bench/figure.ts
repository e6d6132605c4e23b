// One line of a benchmark's result: what was measured, against what, and whether it is good enough.

export interface Figure {
  readonly name: string
  readonly what: string
  /** What Meerkat needed and what it is compared with needed, for people. */
  readonly meerkat: string
  readonly reference: string
  readonly referenceName: string
  readonly ratio: number
  readonly target: number
  readonly bound: 'at most' | 'at least'
  readonly isMet: boolean
  /** Everything that was measured, for machines. */
  readonly details: Readonly<Record<string, unknown>>
}

export const lineOf = ({ name, what, meerkat, reference, referenceName, ratio, target, bound, isMet }: Figure): string =>
  `${isMet ? 'met   ' : 'MISSED'}  ${name.padEnd(12)} ${ratio.toFixed(2).padStart(5)} times, ${bound} ${target.toFixed(2)}   ${what}\n`
  + `        ${' '.repeat(12)} Meerkat ${meerkat}; ${referenceName} ${reference}`
