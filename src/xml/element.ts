/** A namespace-qualified name (XML Namespaces §4). `ns` is `''` for no namespace. */
export interface QName { readonly ns: string, readonly local: string }

/**
 * One parsed element. Built only for elements that we answer; relayed stanzas never become one.
 * Attributes in no namespace are keyed by their local name, `xml:…` by that very spelling, others as `{namespace}local`;
 * namespace declarations are not attributes. `text` is the element's own character data, in order, without its children's.
 */
export interface Element extends QName {
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly Element[]
  readonly text: string
}
