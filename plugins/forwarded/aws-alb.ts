/**
 * The Application Load Balancer of AWS with mutual TLS in *passthrough* mode: `X-Amzn-Mtls-Clientcert`, the whole chain in PEM, the leaf first,
 * URL-encoded with `+=/` as they are. In verify mode it sends the leaf under another name and no chain: that is not read, because a listener
 * that took either would take from the client what its load balancer does not set.
 */
import { type Dialect, valueOf } from './dialect.ts'
import { escapedPem } from './escaped-pem.ts'

const header = 'x-amzn-mtls-clientcert'

export const awsAlb: Dialect = {
  headers: [header],
  lists: [],
  companions: [],
  read: values => escapedPem(valueOf(values, header) ?? '', 'X-Amzn-Mtls-Clientcert'),
}
