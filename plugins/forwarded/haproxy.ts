/**
 * HAProxy, as its configuration manual's sample fetches give it: `X-SSL-Client-Cert` is `%[ssl_c_der,base64]`, and `X-SSL-Client-Chain-Der`
 * is `%[ssl_c_chain_der,base64]`, the DER of what the client sent, end to end. Without a certificate both are empty.
 */
import { oneCertificate, splitCertificates } from './certificate-bytes.ts'
import { type Dialect, valueOf } from './dialect.ts'
import { malformed } from './forwarding-error.ts'
import { strictBase64 } from './strict-base64.ts'

const leafHeader = 'x-ssl-client-cert'
const chainHeader = 'x-ssl-client-chain-der'

export const haproxy: Dialect = {
  headers: [leafHeader, chainHeader],
  lists: [],
  // What HAProxy's own examples send along.
  companions: ['verify', 'dn', 'cn', 'sha1', 'serial', 'version', 'not-before', 'not-after', 'notbefore', 'notafter'].map(name => `x-ssl-client-${name}`),
  read(values) {
    const leaf = valueOf(values, leafHeader)
    const chain = valueOf(values, chainHeader)
    if (leaf === null) throw malformed('There is an X-SSL-Client-Chain-Der without an X-SSL-Client-Cert.')
    const first = oneCertificate(strictBase64(leaf, 'X-SSL-Client-Cert'), 'X-SSL-Client-Cert')
    const sent = chain === null ? [] : splitCertificates(strictBase64(chain, 'X-SSL-Client-Chain-Der'), 'X-SSL-Client-Chain-Der')
    return [first, ...sent.filter(der => Buffer.compare(der, first) !== 0)]
  },
}
