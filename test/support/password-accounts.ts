// Accounts with passwords, for a gateway that keeps them itself (`methods = ["internal"]`).
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { rowWith } from '../../src/auth/accounts/new-password.ts'
import { embeddedAccounts } from '../../src/auth/accounts/open-accounts.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import { defaultToml } from './gateway.ts'

/** To be put into the configuration: cheap ones. */
export const fewIterations = '\n[auth.password]\nscram_iterations = 4_096\n'

/** Certificates, and passwords in the embedded database; every mechanism. */
export const passwordToml = `${defaultToml}
[auth]
methods = ["pki", "internal"]
sasl_mechanisms = ["external", "scram_sha512_plus", "scram_sha512", "scram_sha256_plus", "scram_sha256", "scram_sha1_plus", "scram_sha1", "plain"]
${fewIterations}`

/** Localparts and passwords at localhost, before the gateway of that folder starts. */
export async function addAccounts(folder: string, passwords: Readonly<Record<string, string>>): Promise<void> {
  const domain = parseDomainpart('localhost')!
  const accounts = embeddedAccounts({ dataFolder: join(folder, 'data'), hosts: [domain], clock: systemClock })
  for (const [localpart, password] of Object.entries(passwords)) {
    await accounts.add(localpart, domain, await rowWith(password, { hash: ['sha1', 'sha256', 'sha512'], scram_iterations: 4_096 }, length => randomBytes(length)))
  }
  await accounts.close()
}
