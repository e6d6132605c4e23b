// The users of tests with proxies: of a root, of an intermediate below it, of another authority, and one whose certificate has expired.
import { X509Certificate } from 'node:crypto'
import { subjectAltNames, xmppAddrName, nameOf } from '../../src/x509/certificate-writer.ts'
import { pem } from '../../src/x509/der-writer.ts'
import { type Bent, hour, keyOf, type Made, makeClient, makeIntermediate, makeRoot } from './chain-maker.ts'
import type { ClientIdentity } from './gateway.ts'

export interface ProxiedUser extends ClientIdentity {
  readonly der: Uint8Array
  /** As logs have it. */
  readonly fingerprint: string
}

const root = makeRoot('Root of users')
const middle = makeIntermediate('Middle', root)

function of(name: string, issuer: Pick<Made, 'name' | 'key'>, bent: Bent = {}, chain: readonly Made[] = []): ProxiedUser {
  const made = makeClient(issuer, { key: keyOf(name), subject: nameOf(name), altNames: subjectAltNames([xmppAddrName(`${name}@localhost`)]), ...bent })
  return userOf(made, chain)
}

function userOf(made: Made, chain: readonly Made[] = []): ProxiedUser {
  return {
    der: made.der, cert: [made, ...chain].map(({ der }) => pem('CERTIFICATE', der)).join(''), key: made.key.export({ type: 'pkcs8', format: 'pem' }),
    fingerprint: new X509Certificate(made.der).fingerprint256.replaceAll(':', '').toLowerCase(),
  }
}

export const proxied = {
  root: userOf(root), middle: userOf(middle), alice: of('alice', root), bob: of('bob', root), carol: of('carol', middle, {}, [middle]),
  expired: of('alice', root, { notBefore: Date.now() - 3 * hour, notAfter: Date.now() - hour }), foreign: of('alice', makeRoot('Another root')),
}
