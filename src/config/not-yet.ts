/** What the decided configuration (DESIGN.md §5) knows and this version does not do yet. It is refused by name, never ignored:
 * a key that is silently without effect is a security hole. Whoever brings one of these deletes its line. */

export interface NotYet {
  /** The key path; `[]` stands for any entry of a list. */
  readonly pattern: string
  /** Only these values of it. */
  readonly values?: readonly string[]
  /** What the key will bring, for the message. */
  readonly brings: string
  /** Values that ask for nothing, and so may stand in a file today. */
  readonly harmless?: (value: unknown) => boolean
}

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0

export const notYet: readonly NotYet[] = [
  { pattern: 'listen.c2s', brings: 'TCP listeners' },
  { pattern: 'listen.http[].trusted_proxies', brings: 'TLS that ends at a proxy', harmless: isEmptyList },
  { pattern: 'listen.http[].forwarded_certificate', brings: 'certificates forwarded by a proxy' },
  { pattern: 'listen.http[].tls.crl_files', brings: 'certificate revocation lists', harmless: isEmptyList },
  { pattern: 'listen.http[].tls.crl_expired', brings: 'certificate revocation lists' },
  { pattern: 'auth.methods[]', values: ['internal', 'http', 'ldap', 'rdbms'], brings: 'passwords and account databases' },
  {
    pattern: 'auth.sasl_mechanisms[]',
    values: ['scram_sha512_plus', 'scram_sha512', 'scram_sha256_plus', 'scram_sha256', 'scram_sha1_plus', 'scram_sha1', 'plain'],
    brings: 'logging in with a password',
  },
  { pattern: 'auth.password', brings: 'the storage of passwords' },
  { pattern: 'auth.internal', brings: 'accounts in the embedded database' },
  { pattern: 'auth.http', brings: 'accounts kept by a web service' },
  { pattern: 'auth.ldap', brings: 'accounts in a directory' },
  { pattern: 'auth.rdbms', brings: 'accounts in a database' },
]
