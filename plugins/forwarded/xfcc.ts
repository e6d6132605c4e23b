/** Envoy's `X-Forwarded-Client-Cert` (its documentation: "HTTP header manipulation", x-forwarded-client-cert), of exactly one proxy. */
import { createHash } from 'node:crypto'
import { type Dialect, valueOf } from './dialect.ts'
import { escapedPem } from './escaped-pem.ts'
import { ForwardingError, malformed } from './forwarding-error.ts'

const header = 'x-forwarded-client-cert'
const keys: readonly string[] = ['by', 'hash', 'cert', 'chain', 'subject', 'uri', 'dns']
/** A client certificate may have several names; of everything else there is one. */
const repeatable: readonly string[] = ['by', 'uri', 'dns']

export const xfcc: Dialect = {
  headers: [header],
  lists: [],
  companions: [],
  read(values) {
    const element = pairsIn(valueOf(values, header) ?? '')
    const [cert, chain, hash] = ['cert', 'chain', 'hash'].map(key => element.get(key) ?? null)
    const fromCert = cert === null || cert === undefined ? [] : escapedPem(cert, 'Cert')
    const fromChain = chain === null || chain === undefined ? [] : escapedPem(chain, 'Chain')
    const [leaf] = fromCert.length > 0 ? fromCert : fromChain
    if (leaf === undefined) throw malformed('X-Forwarded-Client-Cert has neither Cert nor Chain: set_current_client_cert_details must ask for them.')
    if (fromCert.length > 1) throw malformed('Cert holds more than one certificate.')
    // The chain includes the leaf.
    const isFirst = fromChain[0] === undefined || Buffer.compare(fromChain[0], leaf) === 0
    const isHashed = hash === null || hash === undefined || createHash('sha256').update(leaf).digest('hex') === hash.toLowerCase()
    if (!isFirst || !isHashed) throw new ForwardingError('contradictory', 'Cert, Chain and Hash of X-Forwarded-Client-Cert are not of one certificate.')
    return [leaf, ...fromChain.slice(1)]
  },
}

/** The pairs of the one element, by key in lower case. */
function pairsIn(value: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  // key = value, where the value is quoted, with \" for a quote, or holds none of , ; = and no quote.
  const pair = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;=]*))(;|$)/y
  while (pair.lastIndex < value.length) {
    const at = pair.lastIndex
    const [whole, name = '', quoted, plain = '', divider] = pair.exec(value) ?? []
    if (whole === undefined) {
      // Every proxy that appends adds an element after a comma. Whose the certificates before the last are, nobody here knows.
      throw malformed(value.slice(at).includes(',') ? 'X-Forwarded-Client-Cert is of more than one proxy, or broken: set SANITIZE_SET.'
        : 'X-Forwarded-Client-Cert is not a list of key=value.')
    }
    const key = name.toLowerCase()
    if (!keys.includes(key)) throw malformed('X-Forwarded-Client-Cert has a key that is not known.')
    if (pairs.has(key) && !repeatable.includes(key)) throw new ForwardingError('repeated', 'X-Forwarded-Client-Cert says something twice.')
    pairs.set(key, quoted === undefined ? plain : quoted.replaceAll('\\"', '"'))
    if (divider === ';' && pair.lastIndex === value.length) throw malformed('X-Forwarded-Client-Cert ends in a semicolon.')
  }
  return pairs
}
