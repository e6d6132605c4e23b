/** Runs every conversation of this folder on every transport (README.md beside this file tells how they are written). */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readScript } from '../support/conversation.ts'
import type { ClientAdapter } from '../support/conversation-client.ts'
import { Conversation, startGateway, usersOf } from '../support/conversation-runner.ts'
import { overBosh } from '../support/conversation-bosh.ts'
import { overTcp } from '../support/conversation-tcp.ts'
import { overWebSocket } from '../support/conversation-websocket.ts'

const adapters: readonly ClientAdapter[] = [overWebSocket, overBosh, overTcp]

const scripts = readdirSync(import.meta.dirname).filter(name => name.endsWith('.xmpp')).sort()
  .map(name => ({ name, ...readScript(readFileSync(join(import.meta.dirname, name), 'utf8')) }))

describe('scripts', () => {
  test('each says in its title which rule it shows, and where the rule stands', () => {
    assert.ok(scripts.length >= 25)
    for (const { name, title } of scripts) assert.match(title, /^[A-Z<].* \((?:RFC \d{4}|XEP-\d{4}) §[\d.]+\)$/, name)
    assert.equal(new Set(scripts.map(({ title }) => title)).size, scripts.length)
  })
})

for (const adapter of adapters) {
  describe(`conversations over ${adapter.name}`, () => {
    for (const script of scripts) {
      // Each has a gateway of its own: what one leaves behind in rosters and for those who are away is no business of the next.
      test(`${script.title} [${script.name}]`, async () => {
        const gateway = await startGateway(adapter, usersOf(script), script.configuration ?? '')
        try {
          await new Conversation(adapter, gateway).run(script)
        } finally {
          await gateway.stop()
        }
      })
    }
  })
}
