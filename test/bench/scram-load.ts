// So many logins by password each second, beside whatever else the server does, in a process of its own: handshake, SCRAM-SHA-256, bind, gone.
import { createSecureContext, type SecureContext } from 'node:tls'
import { FrameClient } from './frame-client.ts'
import { bindResource, openStream } from './login.ts'
import { answerCalls } from './remote.ts'
import { ScramUser } from './scram-client.ts'
import { median } from './statistics.ts'

export interface ScramTarget {
  readonly port: number
  readonly ca: string
  readonly users: readonly { readonly name: string, readonly password: string }[]
}

export interface ScramReading {
  readonly logins: number
  readonly seconds: number
  /** Of one login, in milliseconds. */
  readonly p50: number
  readonly clientCpu: number
}

interface Target { readonly port: number, readonly secureContext: SecureContext, readonly users: readonly ScramUser[] }
interface Run { readonly timer: NodeJS.Timeout, readonly begin: number, readonly cpu: NodeJS.CpuUsage, readonly durations: number[], readonly underWay: Set<Promise<void>>, problem: Error | null }

/** Seconds of logins that may be under way before the pace counts as too fast. */
const maxBacklog = 5

const targets: Target[] = []
const runs: Run[] = []
let next = 0

/** Logs everybody in once, so that every client has its salted password. */
async function aim({ port, ca, users }: ScramTarget): Promise<void> {
  const target = { port, secureContext: createSecureContext({ ca }), users: users.map(({ name, password }) => new ScramUser(name, password)) }
  for (const user of target.users) await logIn(target, user)
  targets.splice(0, 1, target)
}

async function logIn({ port, secureContext }: Target, user: ScramUser): Promise<void> {
  const connection = await FrameClient.open({ port, path: '/xmpp-websocket', identity: { secureContext } })
  await openStream(connection)
  await user.authenticate(connection)
  await bindResource(connection)
  await connection.end()
}

/** Logins begin at an even pace, however long each takes. */
function start({ perSecond }: { readonly perSecond: number }): void {
  const [target] = targets
  if (target === undefined) throw new Error('nowhere to log in')
  const underWay = new Set<Promise<void>>()
  const begin = performance.now()
  let begun = 0
  const timer = setInterval(() => {
    for (const due = (performance.now() - begin) / 1_000 * perSecond; begun < due; begun++) {
      if (underWay.size > maxBacklog * perSecond) {
        run.problem ??= new Error(`${underWay.size} logins are under way: the server, or this machine, cannot keep up`)
        return
      }
      const user = target.users[next++ % target.users.length] as ScramUser
      const started = performance.now()
      const login = logIn(target, user).then(() => { run.durations.push(performance.now() - started) }, (error: unknown) => { run.problem ??= error as Error })
        .finally(() => { underWay.delete(login) })
      underWay.add(login)
    }
  }, 1_000 / perSecond)
  const run: Run = { timer, begin, cpu: process.cpuUsage(), durations: [], underWay, problem: null }
  runs.push(run)
}

/** Ends the pace, waits for those under way; rejects when one of them failed. */
async function stop(): Promise<ScramReading> {
  const run = runs.pop()
  if (run === undefined) throw new Error('not started')
  clearInterval(run.timer)
  const seconds = (performance.now() - run.begin) / 1_000
  const { user, system } = process.cpuUsage(run.cpu)
  await Promise.all(run.underWay)
  if (run.problem !== null) throw run.problem
  return { logins: run.durations.length, seconds, p50: median(run.durations), clientCpu: (user + system) / 1_000 }
}

answerCalls({ aim, start, stop })
