/** What a command of the command line is: a name, its help, and what it does. */

/** Where a command speaks, and what it may know of the world. */
export interface Surroundings {
  /** The folder of package.json, absolute. */
  readonly root: string
  readonly version: string
  readonly print: (text: string) => void
  readonly printError: (text: string) => void
}

export interface Command {
  readonly name: string
  readonly usage: string
  readonly summary: string
  /** Lines of the command's own help, without the usage. */
  readonly help: readonly string[]
  /** The exit code. */
  run(argv: readonly string[], surroundings: Surroundings): Promise<number>
}

/** The command line cannot be understood; printed with the usage, exit code 64 (sysexits.h, EX_USAGE). */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const exitCode = { success: 0, failure: 1, usage: 64, configuration: 78 } as const
