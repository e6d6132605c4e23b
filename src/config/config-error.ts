/** Mistakes in a configuration, or in the files it names: what a person needs to put them right, and nothing secret. */

export interface Mistake {
  /** Where the configuration comes from; null for the built-in defaults. */
  readonly file: string | null
  /** The key, as in `listen.http[0].tls.verify_mode`; empty when the file as a whole is meant. */
  readonly path: string
  /** Line and column, counted from 1, where they are known (TOML syntax). */
  readonly position?: { readonly line: number, readonly column: number }
  readonly found: string
  readonly allowed?: string
  readonly remedy?: string
  /** When it is no mistake any more, in milliseconds since the epoch; null, or nothing, where time alone mends nothing. */
  readonly until?: number | null
}

/** Not a mistake, but something that an administrator should have meant. */
export interface Warning { readonly path: string, readonly text: string }

/** One line: where, what, what is allowed, what to do. */
export function formatMistake({ file, path, position, found, allowed, remedy }: Mistake): string {
  const source = file ?? 'built-in defaults'
  const place = position === undefined ? source : `${source}:${position.line}:${position.column}`
  return [
    `${place}: ${path === '' ? '' : `${path}: `}found: ${found}`,
    ...(allowed === undefined ? [] : [`; allowed: ${allowed}`]),
    ...(remedy === undefined ? [] : [`. ${remedy}`]),
  ].join('')
}

/** A configuration that cannot be used. Caught in the command line, which prints it and exits with 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly mistakes: readonly Mistake[]

  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(formatMistake).join('\n'))
    this.mistakes = mistakes
  }

  /** One mistake per line, without a stack. */
  override toString(): string {
    return this.message
  }
}
