/**
 * Which web pages may talk to a listener (websocket.md, "Origin"). A browser attaches a client certificate to a page's
 * requests as silently as a cookie, so without this any web page could open a session as its visitor.
 */

export type OriginVerdict = 'no-origin' | 'same-origin' | 'listed' | 'refused'

export class OriginPolicy {
  readonly #listed: ReadonlySet<string>
  readonly #isSecure: boolean
  /** The latest request's URL without its path, and the origin that it stands for: mostly there is only one. */
  #base = ''
  #own: string | null = null

  /** `origins` are serialised (RFC 6454 §6.2), as the configuration demands. `isSecure`: clients come over TLS. */
  constructor(origins: readonly string[], isSecure: boolean) {
    this.#listed = new Set(origins)
    this.#isSecure = isSecure
  }

  /** `host` is the request's Host header: a page's own origin is the one that it was loaded from. `isSecure`: behind proxies each client's own. */
  judge(origin: string | undefined, host: string | undefined, isSecure = this.#isSecure): OriginVerdict {
    // Not a browser: those send no Origin, and bring their certificate knowingly.
    if (origin === undefined) return 'no-origin'
    if (this.#listed.has(origin)) return 'listed'
    return host !== undefined && origin === this.#ownOrigin(`${isSecure ? 'https' : 'http'}://${host}`) ? 'same-origin' : 'refused'
  }

  #ownOrigin(base: string): string | null {
    if (base !== this.#base) {
      this.#own = serialised(base)
      this.#base = base
    }
    return this.#own
  }
}

/** RFC 6454 §6.2: lower case, and without the scheme's own port; null where the Host header is no host. */
function serialised(base: string): string | null {
  if (!URL.canParse(base)) return null
  const url = new URL(base)
  // Anything beyond host and port in a Host header is not one.
  return url.href === `${url.origin}/` ? url.origin : null
}
