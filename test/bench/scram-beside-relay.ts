// What logins by password do to everybody else: the latency of a relay beside 50 SCRAM-SHA-256 logins a second, against the relay alone.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { rowWith } from '../../src/auth/accounts/new-password.ts'
import { embeddedAccounts } from '../../src/auth/accounts/open-accounts.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { parseDomainpart } from '../../src/xmpp/jid.ts'
import type { Figure } from './figure.ts'
import type { ConnectRequest, RelayReading, RelayRequest } from './load.ts'
import { Child } from './remote.ts'
import type { ScramReading, ScramTarget } from './scram-load.ts'
import { Ground } from './servers.ts'
import { median } from './statistics.ts'

const target = 2
const perSecond = 50
const users = 50
const pairs = 50
/** One in flight: a relay that is busy and has no queue of its own. Long enough for two hundred logins beside it. */
const scene: RelayRequest = { bodyBytes: 100, inFlight: 1, stanzas: 1_500 }

const configuration = `
[auth]
methods = ["pki", "internal"]
sasl_mechanisms = ["external", "scram_sha256"]
`

interface Round { readonly alone: RelayReading, readonly beside: RelayReading, readonly logins: ScramReading }

export async function benchScramBesideRelay(rounds = 5): Promise<Figure> {
  const ground = await Ground.make(2 * pairs, configuration)
  const accounts = await makeAccounts(ground)
  const server = await ground.start('meerkat')
  const [relay, logins] = ['load.ts', 'scram-load.ts'].map(name => new Child({ core: 1, node: [join(import.meta.dirname, name)] })) as [Child, Child]
  try {
    await relay.call('connect', { contestant: 'meerkat', port: server.port, ca: ground.ca, identities: ground.identities } satisfies ConnectRequest)
    await logins.call('aim', { port: server.port, ca: ground.ca, users: accounts } satisfies ScramTarget)
    const measured: Round[] = []
    const relayed = () => relay.call<RelayReading>('relay', scene)
    const besideLogins = async () => {
      await logins.call('start', { perSecond })
      const beside = await relayed()
      return { beside, logins: await logins.call<ScramReading>('stop') }
    }
    // The first round warms the compilers up.
    for (let round = -1; round < rounds; round++) {
      const [alone, rest] = round % 2 === 0 ? [await relayed(), await besideLogins()] : await besideLogins().then(async first => [await relayed(), first] as const)
      if (round >= 0) measured.push({ alone, ...rest })
    }
    return figureOf(measured)
  } finally {
    await Promise.all([server.child.stop(), relay.stop(), logins.stop()])
  }
}

/** In the embedded database, before the server opens it. */
async function makeAccounts({ folder }: Ground): Promise<ScramTarget['users']> {
  const domain = parseDomainpart('localhost')
  if (domain === null) throw new Error('not a domain')
  const accounts = embeddedAccounts({ dataFolder: join(folder, 'data'), hosts: [domain], clock: systemClock })
  try {
    const made: { readonly name: string, readonly password: string }[] = []
    for (let number = 0; number < users; number++) {
      const [name, password] = [`person${number}`, randomBytes(12).toString('hex')]
      await accounts.add(name, domain, await rowWith(password, { hash: ['sha256'], scram_iterations: 10_000 }, randomBytes))
      made.push({ name, password })
    }
    return made
  } finally {
    await accounts.close()
  }
}

function figureOf(rounds: readonly Round[]): Figure {
  const ratios = rounds.map(({ alone, beside }) => beside.p99 / alone.p99)
  const ratio = median(ratios)
  const summary = (readings: readonly RelayReading[]) => ({
    p50Milliseconds: median(readings.map(({ p50 }) => p50)), p99Milliseconds: median(readings.map(({ p99 }) => p99)),
    stanzasPerSecond: median(readings.map(({ relayed, seconds }) => relayed / seconds)),
  })
  const measured = { alone: summary(rounds.map(({ alone }) => alone)), beside: summary(rounds.map(({ beside }) => beside)) }
  const loginsPerSecond = median(rounds.map(({ logins }) => logins.logins / logins.seconds))
  const loginMilliseconds = median(rounds.map(({ logins }) => logins.p50))
  const told = ({ p50Milliseconds, p99Milliseconds, stanzasPerSecond }: typeof measured.alone) =>
    `p50 ${p50Milliseconds.toFixed(2)}, p99 ${p99Milliseconds.toFixed(2)} ms (${stanzasPerSecond.toFixed(0)} stanzas/s)`
  return {
    name: 'scram-beside-relay', what: `${pairs} pairs, ${scene.inFlight} in flight: p99 latency of a relay beside ${perSecond} SCRAM-SHA-256 logins/s`,
    meerkat: `${told(measured.beside)}, ${loginsPerSecond.toFixed(0)} logins/s of ${loginMilliseconds.toFixed(1)} ms`,
    reference: told(measured.alone), referenceName: 'without logins',
    ratio, target, isMet: ratio <= target, bound: 'at most', details: { ...measured, loginsPerSecond, loginMilliseconds, ratios },
  }
}
