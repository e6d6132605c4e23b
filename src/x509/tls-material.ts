/** What a TLS listener needs from files, read and checked by src/config: the listener uses the very bytes that were checked. */
import type { SecureVersion } from 'node:tls'

export interface TlsMaterial {
  /** The server certificate, then its chain. */
  readonly certChainPem: string
  readonly keyPem: string
  readonly passphrase: string | null
  /** The CAs of client certificates; null exactly when `verify_mode` is "none". */
  readonly caPem: string | null
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
  /** OpenSSL's notation; null for those of Node.js. */
  readonly ciphers: string | null
}
