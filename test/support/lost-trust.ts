// What takes the trust away from a client's certificate that was good, in files and by the clock: external.md §7.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestCertificate } from './certificates.ts'
import { ClientAuthority } from './client-authority.ts'
import type { Gateway } from './gateway.ts'
import { settled, type TurnedClock } from './turned-clock.ts'

/** The gateway trusts `authority`, by `certs/clients.crt`, and reads its lists in `certs/lists.crl`. */
interface Scene { readonly gateway: Gateway, readonly authority: ClientAuthority, readonly clock: TurnedClock }

/** `expected` is what a login by such a certificate hears afterwards. A certificate that is to expire is good for less than an hour. */
export const lossesOfTrust: readonly { readonly what: string, readonly expected: string, bring(scene: Scene, certificate: TestCertificate): Promise<void> }[] = [
  { what: 'a revocation', expected: 'not-authorized', async bring({ gateway, authority }, certificate) {
    await authority.publish(join(gateway.folder, 'certs', 'lists.crl'), [certificate])
    assert.equal(await gateway.app.reload(), true)
  } },
  { what: 'the removal of its CA', expected: 'not-authorized', async bring({ gateway }) {
    const other = new ClientAuthority()
    await writeFile(join(gateway.folder, 'certs', 'clients.crt'), other.root.certificatePem)
    await other.publish(join(gateway.folder, 'certs', 'lists.crl'), [])
    assert.equal(await gateway.app.reload(), true)
  } },
  { what: 'its expiry', expected: 'credentials-expired', async bring({ clock }) {
    for (let minute = 0; minute < 60; minute++) {
      clock.advance(60_000)
      await settled()
    }
  } },
]
