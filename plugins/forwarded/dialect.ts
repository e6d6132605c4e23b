/** How one product forwards the certificate of its client. */

/** The values of a dialect's headers, by canonical name; the lines of one header in their order, empty ones left out. */
export type HeaderValues = ReadonlyMap<string, readonly string[]>

export interface Dialect {
  /** Of the headers that carry certificates, in lower case. Only these names are read, and each stands once in a request. */
  readonly headers: readonly string[]
  /** Those among them that may come in several lines, which make one list. */
  readonly lists: readonly string[]
  /** Headers in lower case that the product sends along. They are let pass, and never read. */
  readonly companions: readonly string[]
  /**
   * The certificates in DER, the leaf first; each is the DER of one value, whatever that is. Called when at least one of `headers` has a value.
   * Throws ForwardingError.
   */
  read(values: HeaderValues): readonly Uint8Array[]
}

/** The value of a header that stands once; null where it is absent. */
export const valueOf = (values: HeaderValues, header: string): string | null => values.get(header)?.[0] ?? null
