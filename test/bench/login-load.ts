// The clients of one server, in a process of their own: each connects with its certificate and logs in, many times over.
import { createSecureContext, type SecureContext } from 'node:tls'
import { FrameClient } from './frame-client.ts'
import { logIn } from './login.ts'
import { answerCalls } from './remote.ts'
import type { Identity } from './servers.ts'

export interface LoginTarget {
  /** Whether a login follows the upgrade. */
  readonly isLogin: boolean
  readonly port: number
  readonly ca: string
  readonly identities: readonly Identity[]
}

export interface LoginRequest {
  readonly logins: number
  /** Logins under way at a time. */
  readonly concurrency: number
}

export interface LoginReading {
  readonly logins: number
  readonly seconds: number
  /** Milliseconds of CPU that the clients took. */
  readonly clientCpu: number
}

interface Target { readonly isLogin: boolean, readonly port: number, readonly contexts: readonly SecureContext[] }

const targets: Target[] = []
const connected: FrameClient[] = []
let next = 0

function aim({ isLogin, port, ca, identities }: LoginTarget): void {
  // Made once: what it costs a client to read its own key is not what is measured.
  targets.splice(0, 1, { isLogin, port, contexts: identities.map(identity => createSecureContext({ ca, ...identity, minVersion: 'TLSv1.3' })) })
}

/** All of them stay connected; `leave` ends them. */
async function logins({ logins: total, concurrency }: LoginRequest): Promise<LoginReading> {
  const [target] = targets
  if (target === undefined) throw new Error('nowhere to log in')
  const cpu = process.cpuUsage()
  const begin = performance.now()
  let left = total
  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (left > 0) {
      left -= 1
      connected.push(await connect(target))
    }
  }))
  const seconds = (performance.now() - begin) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  return { logins: total, seconds, clientCpu: (user + system) / 1_000 }
}

async function connect({ isLogin, port, contexts }: Target): Promise<FrameClient> {
  const secureContext = contexts[next++ % contexts.length] as SecureContext
  const connection = await FrameClient.open({ port, path: '/xmpp-websocket', identity: { secureContext } })
  if (isLogin) await logIn(connection)
  return connection
}

/** Resolves when the last connection has gone. */
async function leave(): Promise<void> {
  await Promise.all(connected.splice(0).map(connection => connection.end()))
}

answerCalls({ aim, logins, leave })
