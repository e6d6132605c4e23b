/** The namespaces of the core documents; a feature's own namespace stands in the feature's file. */
export const NS_CLIENT = 'jabber:client'
export const NS_STREAMS = 'http://etherx.jabber.org/streams'
/** Stream error conditions (RFC 6120 §4.9.2). */
export const NS_STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'
/** Stanza error conditions (RFC 6120 §8.3.2). */
export const NS_STANZA_ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
/** STARTTLS (RFC 6120 §5). */
export const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
export const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
/** Channel bindings that there are (XEP-0440). */
export const NS_SASL_CHANNEL_BINDING = 'urn:xmpp:sasl-cb:0'
export const NS_BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
/** Stream management (XEP-0198). */
export const NS_SM = 'urn:xmpp:sm:3'
/** Client state indication (XEP-0352). */
export const NS_CSI = 'urn:xmpp:csi:0'
/** Limits that are announced (XEP-0478). */
export const NS_STREAM_LIMITS = 'urn:xmpp:stream-limits:0'
/** The legacy session request of RFC 3921 §3; RFC 6121 made it a no-op. */
export const NS_SESSION = 'urn:ietf:params:xml:ns:xmpp-session'
/** `<open/>` and `<close/>` (RFC 7395 §3.1). */
export const NS_FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'
