/** Channel bindings: values that only the two ends of one TLS connection share (RFC 5056), so that nobody in between can log in with another's proof. */

export interface ChannelBindings {
  /** RFC 9266: 32 bytes exported from the connection; only of TLS 1.3. */
  readonly tlsExporter: Uint8Array | null
  /** RFC 5929 §4: a hash of the server certificate that this connection showed. */
  readonly tlsServerEndPoint: Uint8Array | null
}

/** Where TLS ends elsewhere, or is not spoken at all. */
export const noChannelBindings: ChannelBindings = { tlsExporter: null, tlsServerEndPoint: null }
