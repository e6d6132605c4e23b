// All conversations of test/scripts, run on any transport, with a gateway of its own for each: what one leaves behind in rosters and for those who
// are away is no business of the next.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readScript } from './conversation.ts'
import { overBosh } from './conversation-bosh.ts'
import { Conversation, startGateway, usersOf } from './conversation-runner.ts'
import { overTcp } from './conversation-tcp.ts'
import { overWebSocket } from './conversation-websocket.ts'

const folder = join(import.meta.dirname, '..', 'scripts')

export const scripts = readdirSync(folder).filter(name => name.endsWith('.xmpp')).sort()
  .map(name => ({ name, ...readScript(readFileSync(join(folder, name), 'utf8')) }))

/** `prepare` is asked before each: lines of the configuration that it resolves with are added to those of the script. */
export function describeConversations(where: string, prepare: () => Promise<string> = () => Promise.resolve('')): void {
  for (const adapter of [overWebSocket, overBosh, overTcp]) {
    describe(`conversations over ${adapter.name}${where}`, () => {
      for (const script of scripts) {
        test(`${script.title} [${script.name}]`, async () => {
          const gateway = await startGateway(adapter, usersOf(script), `${await prepare()}\n${script.configuration ?? ''}`)
          try {
            await new Conversation(adapter, gateway).run(script)
          } finally {
            await gateway.stop()
          }
        })
      }
    })
  }
}
