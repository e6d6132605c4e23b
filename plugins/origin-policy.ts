/**
 * Which web pages may talk to a listener (websocket.md, "Origin"). A browser attaches a client certificate to a page's
 * requests as silently as a cookie, so without this any web page could open a session as its visitor.
 */

export type OriginVerdict = 'no-origin' | 'same-origin' | 'listed' | 'refused'

export class OriginPolicy {
  readonly #listed: ReadonlySet<string>
  readonly #scheme: 'https' | 'http'
  /** The Host header of the latest request and the origin that it stands for: mostly there is only one. */
  #host = ''
  #own: string | null = null

  /** `origins` are serialised (RFC 6454 §6.2), as the configuration demands. */
  constructor(origins: readonly string[], isSecure: boolean) {
    this.#listed = new Set(origins)
    this.#scheme = isSecure ? 'https' : 'http'
  }

  /** `host` is the request's Host header: a page's own origin is the one that it was loaded from. */
  judge(origin: string | undefined, host: string | undefined): OriginVerdict {
    // Not a browser: those send no Origin, and bring their certificate knowingly.
    if (origin === undefined) return 'no-origin'
    if (this.#listed.has(origin)) return 'listed'
    return host !== undefined && origin === this.#ownOrigin(host) ? 'same-origin' : 'refused'
  }

  #ownOrigin(host: string): string | null {
    if (host !== this.#host) {
      this.#own = serialised(this.#scheme, host)
      this.#host = host
    }
    return this.#own
  }
}

/** RFC 6454 §6.2: lower case, and without the scheme's own port; null where the Host header is no host. */
function serialised(scheme: 'https' | 'http', host: string): string | null {
  if (!URL.canParse(`${scheme}://${host}`)) return null
  const url = new URL(`${scheme}://${host}`)
  // Anything beyond host and port in a Host header is not one.
  return url.href === `${url.origin}/` ? url.origin : null
}
