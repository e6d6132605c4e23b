/** Finds the headers of a request that say something of a client's certificate, in whatever dialect and spelling. */
import type { Dialect, HeaderValues } from './dialect.ts'
import { ForwardingError, malformed } from './forwarding-error.ts'

/**
 * How the names of each dialect begin. Whatever begins so is a certificate header, also what only names or judges one: a proxy sends it because
 * it speaks that dialect, and anybody else because he wants to be taken for one.
 */
const families: readonly string[] = [
  'client-cert', 'x-forwarded-client-cert', 'ssl-client-', 'x-ssl-client-', 'x-forwarded-tls-client-cert', 'x-amzn-mtls-clientcert',
]

/** A cheap first look: all the names have it, and hardly any other. */
const common = /client/i

/** Characters of all values together. OpenSSL lets a client send chains of 100 KiB; those of people have 3. */
const maxCharacters = 65_536

/** A chain that is longer is refused; paths for people have three certificates. */
const maxCertificates = 10

/** One line of a certificate header. */
export interface CertificateLine {
  /** In lower case, as it was sent. */
  readonly name: string
  readonly value: string
  /** The name is not one that a proxy of its family writes: with an underscore for a hyphen, for instance, which CGI and its heirs make equal. */
  readonly isLookAlike: boolean
}

/** `rawHeaders` as Node has them: of a header that comes twice, its parsed ones hide one or join both. */
export function certificateLines(rawHeaders: readonly string[]): readonly CertificateLine[] {
  const found: CertificateLine[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const sent = rawHeaders[index] ?? ''
    if (!common.test(sent)) continue
    const name = sent.toLowerCase()
    const canonical = name.replace(/[^a-z0-9]/g, '-')
    if (families.some(family => canonical.startsWith(family))) found.push({ name, value: rawHeaders[index + 1] ?? '', isLookAlike: name !== canonical })
  }
  return found
}

/** What a proxy of this dialect forwarded, in DER, the leaf first; null where its client had no certificate. Throws ForwardingError. */
export function forwardedChain(lines: readonly CertificateLine[], dialect: Dialect): readonly Uint8Array[] | null {
  const values = new Map<string, string[]>()
  let characters = 0
  for (const { name, value, isLookAlike } of lines) {
    if (isLookAlike) throw new ForwardingError('look-alike', 'A header looks like one that forwards certificates, and is spelt otherwise.')
    if (dialect.companions.includes(name)) continue
    if (!dialect.headers.includes(name)) {
      throw new ForwardingError('other-dialect', 'A header about a client certificate is not of the dialect that listen.http.forwarded_certificate names.')
    }
    const others = values.get(name)
    if (others !== undefined && !dialect.lists.includes(name)) throw new ForwardingError('repeated', 'A header that forwards a certificate came twice.')
    characters += value.length
    if (others === undefined) values.set(name, [value])
    else others.push(value)
  }
  if (characters > maxCharacters) throw new ForwardingError('too-long', `The forwarded certificates are longer than ${maxCharacters} characters.`)
  const filled: HeaderValues = new Map([...values].filter(([, sent]) => sent.some(value => value !== '')))
  if (filled.size === 0) return null
  const chain = dialect.read(filled)
  if (chain.length > maxCertificates) throw malformed(`More than ${maxCertificates} certificates were forwarded.`)
  return chain
}
