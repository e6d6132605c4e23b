// What is kept for a client is more than it may leave unread, or unacknowledged: it has all of it in the end, in order (XEP-0160 §2, XEP-0198 §4).
import { describe, test } from 'node:test'
import { readScript } from '../support/conversation.ts'
import { overBosh } from '../support/conversation-bosh.ts'
import { Conversation, startGateway, usersOf } from '../support/conversation-runner.ts'
import { overTcp } from '../support/conversation-tcp.ts'
import { overWebSocket } from '../support/conversation-websocket.ts'

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** Messages for Juliet, as they are sent, and as she hears them. */
const messages = (numbers: readonly number[], size: number, heard: boolean): string => numbers.map(number =>
  `  <message type='chat' id='${number}' to='juliet@localhost'${heard ? " from='${romeo.jid}'" : ''}><body>${'x'.repeat(size)}</body>`
  + `${heard ? "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='*'/>" : ''}</message>`).join('\n')

const kept = (count: number, size: number): string => `Romeo connects
Juliet connects
Juliet disconnects
Romeo sends:
${messages(range(1, count), size, false)}
Romeo receives nothing
Juliet connects
`

const enable = `Juliet sends:
  <enable xmlns='urn:xmpp:sm:3' resume='true'/>
Juliet receives:
  <enabled xmlns='urn:xmpp:sm:3' id='*sm' resume='true' max='300'/>
`
const acknowledge = (h: number): string => `Juliet is asked for an acknowledgement
Juliet sends:
  <a xmlns='urn:xmpp:sm:3' h='${h}'/>
`
const presence = "  <presence from='${juliet.jid}'/>\n"

const cases: readonly { readonly title: string, readonly configuration: string, readonly conversation: string }[] = [
  {
    title: 'ten times as much as may be unread, without stream management',
    configuration: 'limits.max_unread_bytes = 10_000',
    conversation: `${kept(50, 2_000)}Juliet sends:\n  <presence/>\nJuliet receives:\n${messages(range(1, 50), 2_000, true)}\n${presence}`,
  },
  {
    title: 'more than may be unacknowledged: two at a time are half of that',
    configuration: 'session.max_unacked_bytes = 10_000',
    conversation: `${kept(12, 2_000)}${enable}Juliet sends:\n  <presence/>\n${[1, 3, 5, 7, 9, 11].map(first =>
      `Juliet receives:\n${messages(range(first, first + 1), 2_000, true)}\n${first === 11 ? presence : acknowledge(first + 1)}`).join('')}`,
  },
  {
    title: 'a message that is longer than all that may be unacknowledged keeps nobody away: it is given alone, and leaves room for what is short',
    configuration: 'session.max_unacked_bytes = 10_000',
    conversation: `${kept(2, 20_000)}${enable}Juliet sends:\n  <presence/>\nJuliet receives:\n${messages([1], 20_000, true)}\n${acknowledge(1)}Juliet receives:
${messages([2], 20_000, true)}\n${presence}Romeo sends:\n  <message id='3' to='juliet@localhost'/>\nJuliet receives:\n  <message id='3' to='juliet@localhost' from='\${romeo.jid}'/>\n`,
  },
]

for (const adapter of [overWebSocket, overBosh, overTcp]) {
  describe(`what is kept is given as there is room, over ${adapter.name}`, () => {
    for (const { title, configuration, conversation } of cases) {
      test(title, async () => {
        const script = readScript(`${title} (XEP-0160 §2)\n\n${conversation}`)
        const gateway = await startGateway(adapter, usersOf(script), configuration)
        try {
          await new Conversation(adapter, gateway).run(script)
        } finally {
          await gateway.stop()
        }
      })
    }
  })
}
