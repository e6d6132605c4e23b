/** The host as the visitor spelt it (RFC 9110 §7.2): the one that its URLs have to name. */

/** `host[:port]`; null where the header is absent or is anything else: it goes into headers and URLs, so it is not repeated unread. */
export function requestedHost(header: string | undefined): string | null {
  return header !== undefined && header.length <= 262 && /^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/.test(header) ? header : null
}
