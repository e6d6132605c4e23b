// Clients of one server, in a process of their own, who write to people that are not there.
import { FrameClient } from './frame-client.ts'
import { logIn } from './login.ts'
import { answerCalls } from './remote.ts'
import type { Identity } from './servers.ts'
import { stanzaTo } from './stanza.ts'

export interface WritersTarget { readonly port: number, readonly ca: string, readonly identities: readonly Identity[] }

/** `messages`: of each writer. */
export interface WritingRequest { readonly messages: number, readonly bodyBytes: number, readonly recipients: readonly string[] }

export interface WritingReading { readonly kept: number, readonly seconds: number }

const writers: FrameClient[] = []
/** Messages between two questions whether all that went before is dealt with. */
const underWay = 20
const ping = '<iq xmlns="jabber:client" type="get" id="p"><ping xmlns="urn:xmpp:ping"/></iq>'
let next = 0

async function connect({ port, ca, identities }: WritersTarget): Promise<void> {
  for (const identity of identities) {
    const writer = await FrameClient.open({ port, path: '/xmpp-websocket', ca, identity })
    await logIn(writer)
    writers.push(writer)
  }
}

async function write({ messages, bodyBytes, recipients }: WritingRequest): Promise<WritingReading> {
  const begin = performance.now()
  await Promise.all(writers.map(async writer => {
    for (let left = messages; left > 0; left -= underWay) {
      for (let count = Math.min(left, underWay); count > 0; count--) writer.say(stanzaTo(recipients[next++ % recipients.length] ?? '', bodyBytes))
      // One client's stanzas are dealt with in order: an answer means that all before it are kept.
      const [answer = ''] = await writer.ask(ping, 1)
      if (!/type=['"]result/.test(answer)) throw new Error(`not kept: ${answer}`)
    }
  }))
  return { kept: writers.length * messages, seconds: (performance.now() - begin) / 1_000 }
}

answerCalls({ connect, write })
