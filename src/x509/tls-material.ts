/** What a TLS listener needs from files, read and checked by src/config: the listener uses the very bytes that were checked. A reload replaces it whole. */
import type { X509Certificate } from 'node:crypto'
import type { SecureVersion } from 'node:tls'
import type { RevocationList } from './revocation-list.ts'
import type { TrustMaterial } from './trust.ts'

export interface TlsMaterial {
  /** Null where TLS ends at a proxy in front of the listener. */
  readonly server: ServerTls | null
  /** What client certificates are checked against; null exactly when `verify_mode` is "none". */
  readonly trust: TrustMaterial | null
  /** All that the files of CAs and revocation lists hold, also where no use is made of it: it tells a reload what is new there. */
  readonly read: { readonly authorities: readonly X509Certificate[], readonly revocationLists: readonly RevocationList[] }
}

export interface ServerTls {
  /** The server certificate, then its chain. */
  readonly certChainPem: string
  readonly keyPem: string
  readonly passphrase: string | null
  /** The CAs of client certificates, for OpenSSL; null exactly when `verify_mode` is "none". */
  readonly caPem: string | null
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
  /** OpenSSL's notation; null for those of Node.js. */
  readonly ciphers: string | null
}
