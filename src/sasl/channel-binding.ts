/** Channel bindings: values that only the two ends of one TLS connection share (RFC 5056), so that nobody in between can log in with another's proof. */

export interface ChannelBindings {
  /** RFC 9266: 32 bytes exported from the connection; only of TLS 1.3. */
  readonly tlsExporter: Uint8Array | null
  /** RFC 5929 §4: a hash of the server certificate that this connection showed. */
  readonly tlsServerEndPoint: Uint8Array | null
}

/** Where TLS ends elsewhere, or is not spoken at all. */
export const noChannelBindings: ChannelBindings = { tlsExporter: null, tlsServerEndPoint: null }

/** By their registered names (RFC 5056 §7.1): what a client names in SCRAM, and what XEP-0440 lists. The better one first. */
const fields = { 'tls-exporter': 'tlsExporter', 'tls-server-end-point': 'tlsServerEndPoint' } as const satisfies Record<string, keyof ChannelBindings>
export type ChannelBindingType = keyof typeof fields

const types: readonly ChannelBindingType[] = ['tls-exporter', 'tls-server-end-point']

export const availableTypes = (bindings: ChannelBindings): readonly ChannelBindingType[] => types.filter(type => bindings[fields[type]] !== null)

/** Null for a type that there is not, or not on this connection. */
export function bindingOfType(bindings: ChannelBindings, name: string): Uint8Array | null {
  const type = types.find(known => known === name)
  return type === undefined ? null : bindings[fields[type]]
}
