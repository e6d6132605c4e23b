/** What the decided configuration (DESIGN.md §5) knows and this version does not do yet. It is refused by name, never ignored:
 * a key that is silently without effect is a security hole. Whoever brings one of these deletes its line. */

export interface NotYet {
  /** The key path; `[]` stands for any entry of a list. */
  readonly pattern: string
  /** Only these values of it. */
  readonly values?: readonly string[]
  /** What the key will bring, for the message. */
  readonly brings: string
  /** Values that ask for nothing, and so may stand in a file today. */
  readonly harmless?: (value: unknown) => boolean
}

export const notYet: readonly NotYet[] = []
