// An authority for clients, its intermediate one and their revocation lists, in the folder of a gateway that is told to trust it.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeAuthority, makeIntermediate, makeLeaf } from './certificates.ts'
import type { TestCertificate, TestLeafOptions } from './certificates.ts'
import type { ClientIdentity } from './gateway.ts'
import { listPem, writeList } from './revocation-lists.ts'

const day = 86_400_000

export class ClientAuthority {
  readonly root = makeAuthority({ commonName: 'Client Root', pathLength: null, notAfter: Date.now() + 4_000 * day })
  readonly middle = makeIntermediate(this.root, { commonName: 'Client Middle', notAfter: Date.now() + 4_000 * day })

  /** Of one of them, for this user of localhost. */
  issue(user: string, options: TestLeafOptions & { readonly by?: TestCertificate } = {}): TestCertificate {
    return makeLeaf(options.by ?? this.root, { commonName: user, xmppAddrs: [`${user}@localhost`], notAfter: Date.now() + 1_000 * day, ...options })
  }

  /** With the intermediate one, where that issued it. */
  identityOf(certificate: TestCertificate): ClientIdentity {
    const chain = certificate.issuer === this.middle ? [certificate, this.middle] : [certificate]
    return { cert: chain.map(({ certificatePem }) => certificatePem).join(''), key: certificate.privateKeyPem }
  }

  /** Writes both lists into one file. They last long, so that a test may turn the clock. */
  async publish(file: string, revoked: readonly TestCertificate[], { nextUpdate = Date.now() + 900 * day } = {}): Promise<void> {
    const lists = [this.root, this.middle].map(issuer => writeList(issuer, { revoked: revoked.filter(one => one.issuer === issuer), nextUpdate }))
    await writeFile(file, lists.map(listPem).join(''))
  }

  /** Writes `clients.crt`: this authority, and the gateway's own one. */
  async trustIn(folder: string): Promise<void> {
    await writeFile(join(folder, 'certs', 'clients.crt'), await readFile(join(folder, 'certs', 'ca.crt'), 'utf8') + this.root.certificatePem)
  }
}
