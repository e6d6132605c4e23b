/**
 * Traefik's `X-Forwarded-Tls-Client-Cert` (middleware PassTLSClientCert, `pem = true`): the chain that the client sent, the leaf first, each the
 * PEM without its first and last line and without line ends, divided by commas. Versions before 3 URL-encode it.
 */
import { oneCertificate } from './certificate-bytes.ts'
import { type Dialect, valueOf } from './dialect.ts'
import { percentDecoded } from './escaped-pem.ts'
import { strictBase64 } from './strict-base64.ts'

const header = 'x-forwarded-tls-client-cert'
const name = 'X-Forwarded-Tls-Client-Cert'

export const traefik: Dialect = {
  headers: [header],
  lists: [],
  // The same middleware with `info`: names and dates as text.
  companions: ['x-forwarded-tls-client-cert-info'],
  read: values => percentDecoded(valueOf(values, header) ?? '', name).split(',').map(text => oneCertificate(strictBase64(text, name), name)),
}
