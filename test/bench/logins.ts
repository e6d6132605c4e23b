// What a login costs the server in CPU, against a bare `ws` server that does the same TLS handshake and the upgrade, and then nothing. A third
// one answers the four messages of a login with fixed frames: what the round trips cost whoever takes part in them.
import { join } from 'node:path'
import type { Figure } from './figure.ts'
import type { LoginReading, LoginRequest, LoginTarget } from './login-load.ts'
import { Child } from './remote.ts'
import { Ground, type Server } from './servers.ts'
import { median } from './statistics.ts'

const target = 1.35
const request: LoginRequest = { logins: 200, concurrency: 8 }

export const loginScenes = {
  /** People who come back: what is known of their certificates may be known still. */
  logins: { users: 100, what: 'a certificate that was seen before' },
  /** More of them than anything remembers, each in its turn. */
  'logins-first': { users: 2_000, what: 'a certificate that was not seen before' },
} as const

const contestantNames = ['bare', 'fixed', 'meerkat'] as const
type ContestantName = (typeof contestantNames)[number]

type Reading = LoginReading & { readonly serverCpu: number }
interface Side { readonly server: Server, readonly load: Child, readonly readings: Reading[] }

export async function benchLogins(name: keyof typeof loginScenes, rounds = 15): Promise<Figure> {
  const ground = await Ground.make(loginScenes[name].users)
  const sides: Partial<Record<ContestantName, Side>> = {}
  try {
    for (const name of contestantNames) {
      const server = await (name === 'meerkat' ? ground.start('meerkat') : ground.start('bare', [], name === 'bare' ? 'bare-relay' : 'bare-login'))
      const load = new Child({ core: 1, node: [join(import.meta.dirname, 'login-load.ts')] })
      sides[name] = { server, load, readings: [] }
      await load.call('aim', { isLogin: name !== 'bare', port: server.port, ca: ground.ca, identities: ground.identities } satisfies LoginTarget)
    }
    const { bare, fixed, meerkat } = sides
    if (bare === undefined || fixed === undefined || meerkat === undefined) throw new Error('a contestant is missing')
    // A gateway runs for weeks. It takes the compilers twenty thousand logins to come to rest, more where there is more to compile.
    for (let round = -100; round < rounds; round++) {
      for (const side of round % 2 === 0 ? [bare, fixed, meerkat] : [meerkat, fixed, bare]) {
        const before = await side.server.child.call<number>('cpu')
        const reading = await side.load.call<LoginReading>('logins', request)
        const serverCpu = await side.server.child.call<number>('cpu') - before
        if (round >= 0) side.readings.push({ ...reading, serverCpu })
        await side.load.call('leave')
      }
    }
    return figureOf(name, bare.readings, fixed.readings, meerkat.readings)
  } finally {
    for (const side of Object.values(sides)) await Promise.all([side.server.child.stop(), side.load.stop()])
  }
}

function figureOf(name: keyof typeof loginScenes, bare: readonly Reading[], fixed: readonly Reading[], meerkat: readonly Reading[]): Figure {
  const cost = ({ serverCpu, logins }: Reading) => serverCpu / logins
  const ratiosOf = (readings: readonly Reading[]) => readings.map((reading, round) => cost(reading) / cost(bare[round] as Reading))
  const ratios = ratiosOf(meerkat)
  const fixedRatio = median(ratiosOf(fixed))
  const ratio = median(ratios)
  const summary = (readings: readonly Reading[]) => ({
    serverMillisecondsPerLogin: median(readings.map(cost)),
    loginsPerSecond: median(readings.map(({ logins, seconds }) => logins / seconds)),
    clientMillisecondsPerLogin: median(readings.map(({ clientCpu, logins }) => clientCpu / logins)),
  })
  const measured = { bare: summary(bare), fixed: summary(fixed), meerkat: summary(meerkat) }
  const told = ({ serverMillisecondsPerLogin, loginsPerSecond }: typeof measured.bare) =>
    `${serverMillisecondsPerLogin.toFixed(2)} ms (${loginsPerSecond.toFixed(0)} logins/s)`
  return {
    name, what: `TLS 1.3 handshake with ${loginScenes[name].what}, upgrade, EXTERNAL, bind: server CPU per login`,
    meerkat: told(measured.meerkat), reference: `${told(measured.bare)}; with fixed answers ${told(measured.fixed)}, ${fixedRatio.toFixed(2)} times`,
    referenceName: 'bare ws server, handshake and upgrade only',
    ratio, target, isMet: ratio <= target, bound: 'at most', details: { ...measured, ratios, fixedRatio },
  }
}
