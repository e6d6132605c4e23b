/** The `Forwarded` header field (RFC 7239 §4): elements in the order of the hops, the nearest proxy's last. */
import { malformed } from './forwarding-error.ts'

export interface ForwardedElement {
  /** The node that the proxy was asked by (§5.2), as it is written; null where the proxy does not say. */
  readonly for: string | null
  /** §5.4, in lower case. */
  readonly proto: string | null
}

/** A parameter: token = token or quoted string (RFC 9110 §5.6); no white space around the equals sign. */
const pair = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)")/y
const divider = /[ \t]*([;,])[ \t]*/y

/**
 * All of it or nothing: quotes decide what a comma divides, so nothing right of a fault can be read for sure. A client's own part of the list can
 * therefore make a request fail, its own.
 */
export function forwardedElements(value: string): readonly ForwardedElement[] {
  const elements: ForwardedElement[] = []
  let current = new Map<string, string>()
  let at = 0
  for (;;) {
    pair.lastIndex = at
    const [whole, name = '', token, quoted] = pair.exec(value) ?? []
    if (whole === undefined) throw malformed('Forwarded is not a list of parameters (RFC 7239 §4).')
    // §4: each parameter once per element; names are case-insensitive.
    if (current.has(name.toLowerCase())) throw malformed('Forwarded says something twice of one hop.')
    current.set(name.toLowerCase(), token ?? (quoted ?? '').replace(/\\(.)/g, '$1'))
    at += whole.length
    divider.lastIndex = at
    const [space = '', mark] = divider.exec(value) ?? []
    if (mark !== ';') {
      elements.push({ for: current.get('for') ?? null, proto: current.get('proto')?.toLowerCase() ?? null })
      current = new Map()
    }
    if (mark === undefined) {
      if (at !== value.length) throw malformed('Forwarded is not a list of parameters (RFC 7239 §4).')
      return elements
    }
    at += space.length
  }
}
