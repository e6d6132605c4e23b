/**
 * nginx: `proxy_set_header ssl-client-cert $ssl_client_escaped_cert` (ngx_http_ssl_module: the certificate in PEM, URL-encoded), the name that the
 * NGINX Ingress Controller of Kubernetes uses too. nginx has no variable for the chain: intermediates stand in `cacertfile`.
 */
import { type Dialect, valueOf } from './dialect.ts'
import { escapedPem } from './escaped-pem.ts'
import { malformed } from './forwarding-error.ts'

const header = 'ssl-client-cert'

export const nginx: Dialect = {
  headers: [header],
  lists: [],
  // What the Ingress Controller sends along. The verdict is ours.
  companions: ['ssl-client-verify', 'ssl-client-subject-dn', 'ssl-client-issuer-dn'],
  read(values) {
    const certificates = escapedPem(valueOf(values, header) ?? '', 'ssl-client-cert')
    if (certificates.length > 1) throw malformed('ssl-client-cert holds more than one certificate.')
    return certificates
  },
}
