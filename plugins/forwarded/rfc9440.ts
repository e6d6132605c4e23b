/** RFC 9440: `Client-Cert` and `Client-Cert-Chain`, byte sequences of structured fields (RFC 8941 §3.3.5). */
import { oneCertificate } from './certificate-bytes.ts'
import { type Dialect, valueOf } from './dialect.ts'
import { malformed } from './forwarding-error.ts'
import { strictBase64 } from './strict-base64.ts'

const leafHeader = 'client-cert'
const chainHeader = 'client-cert-chain'

export const rfc9440: Dialect = {
  headers: [leafHeader, chainHeader],
  // §2.3: a list, which may be split over several lines. (§2.2: Client-Cert is never one.)
  lists: [chainHeader],
  companions: [],
  read(values) {
    const leaf = valueOf(values, leafHeader)
    // §2.3: the chain does not come alone.
    if (leaf === null) throw malformed('There is a Client-Cert-Chain without a Client-Cert.')
    // RFC 8941 §3.1, §4.2: members are divided by commas with optional white space, also between lines.
    const chain = (values.get(chainHeader) ?? []).flatMap(line => line.split(','))
    return [certificateIn(leaf, 'Client-Cert'), ...chain.map(member => certificateIn(member.replace(/^[ \t]+|[ \t]+$/g, ''), 'Client-Cert-Chain'))]
  },
}

/** §2.1: the base64 of one DER certificate between colons. There are no parameters. */
function certificateIn(value: string, header: string): Uint8Array {
  if (value.length < 3 || !value.startsWith(':') || !value.endsWith(':')) throw malformed(`${header} is not a byte sequence between colons.`)
  return oneCertificate(strictBase64(value.slice(1, -1), header), header)
}
