// The clients of one server, in a process of their own: each logs in, asks for its roster, becomes available and stays.
import { createSecureContext } from 'node:tls'
import { FrameClient } from './frame-client.ts'
import { logIn } from './login.ts'
import { answerCalls } from './remote.ts'
import type { Identity } from './servers.ts'

export interface ArrivalRequest { readonly port: number, readonly ca: string, readonly identities: readonly Identity[], readonly items: number }

export interface ArrivalReading { readonly seconds: number, readonly clientCpu: number }

const roster = '<iq xmlns="jabber:client" type="get" id="r"><query xmlns="jabber:iq:roster"/></iq>'
const concurrency = 8
const connected: FrameClient[] = []

async function arrive({ port, ca, identities, items }: ArrivalRequest): Promise<ArrivalReading> {
  // Not what is measured.
  const contexts = identities.map(identity => createSecureContext({ ca, ...identity, minVersion: 'TLSv1.3' }))
  const cpu = process.cpuUsage()
  const begin = performance.now()
  await Promise.all(Array.from({ length: concurrency }, async () => {
    for (let secureContext = contexts.pop(); secureContext !== undefined; secureContext = contexts.pop()) {
      const connection = await FrameClient.open({ port, path: '/xmpp-websocket', identity: { secureContext } })
      connected.push(connection)
      const jid = await logIn(connection)
      const [answer = ''] = await connection.ask(roster, 1)
      const found = answer.split('<item ').length - 1
      if (found !== items) throw new Error(`a roster of ${found}: ${answer.slice(0, 500)}`)
      await appear(connection, jid)
    }
  }))
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - begin) / 1_000, clientCpu: (user + system) / 1_000 }
}

/** Resolves when its own presence comes back; that of its contacts is heard, and dropped. */
function appear(connection: FrameClient, jid: string): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.onEnd = reject
    connection.onText = (bytes, start, end) => {
      if (!bytes.toString('utf8', start, end).includes(jid)) return
      connection.onText = () => {}
      resolve()
    }
    connection.say('<presence xmlns="jabber:client"/>')
  })
}

answerCalls({ arrive })
