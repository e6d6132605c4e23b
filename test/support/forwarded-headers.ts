// Writes a chain the way each proxy does, independently of what reads it.
import { createHash } from 'node:crypto'
import type { DialectName } from '../../src/config/forwarding-keys.ts'
import { pem } from '../../src/x509/der-writer.ts'

export type HeaderLine = readonly [name: string, value: string]

const base64 = (...ders: readonly Uint8Array[]) => Buffer.concat(ders).toString('base64')
const pemOf = (der: Uint8Array) => pem('CERTIFICATE', der)

/** As each product's documentation has it; `chain` is the leaf, then its intermediates. */
export const writers: Readonly<Record<DialectName, (chain: readonly Uint8Array[]) => readonly HeaderLine[]>> = {
  rfc9440: ([leaf, ...others]) => [
    ['Client-Cert', `:${base64(leaf!)}:`],
    ...others.length === 0 ? [] : [['Client-Cert-Chain', others.map(der => `:${base64(der)}:`).join(', ')] as const],
  ],
  xfcc: chain => {
    const escaped = (text: string) => text.replaceAll('\n', '%0A').replaceAll(' ', '%20').replaceAll('+', '%2B').replaceAll('/', '%2F').replaceAll('=', '%3D')
    return [['X-Forwarded-Client-Cert', `Hash=${createHash('sha256').update(chain[0]!).digest('hex')};Cert="${escaped(pemOf(chain[0]!))}";`
      + `Chain="${escaped(chain.map(pemOf).join(''))}";Subject="CN=a\\"b,c;d";URI=spiffe://a/b;DNS=a.example;DNS=b.example`]]
  },
  nginx: ([leaf]) => [['ssl-client-cert', encodeURIComponent(pemOf(leaf!))]],
  traefik: chain => [['X-Forwarded-Tls-Client-Cert', chain.map(der => base64(der)).join(',')]],
  'aws-alb': chain => [['X-Amzn-Mtls-Clientcert', encodeURIComponent(chain.map(pemOf).join('')).replaceAll('%2B', '+').replaceAll('%3D', '=').replaceAll('%2F', '/')]],
  haproxy: ([leaf, ...others]) => [['X-SSL-Client-Cert', base64(leaf!)], ['X-SSL-Client-Chain-Der', base64(...others)]],
}

/** Whether a proxy of this dialect can forward more than the leaf. */
export const forwardsChains = (dialect: DialectName): boolean => dialect !== 'nginx'
