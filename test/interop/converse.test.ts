// Converse.js 14 as people use it: two browsers, each with a certificate of its user and its own TLS.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { chromiumPrograms } from '../support/chromium.ts'
import { requireProgram } from '../support/services.ts'
import { Browsing } from './browsing.ts'

const patience = 20_000

/** As the page gives it (page/converse-page.mjs). */
interface ConverseApi {
  readonly contacts: { add(contact: { readonly jid: string, readonly name: string, readonly groups: readonly string[] }): Promise<unknown> }
  readonly user: { logout(): Promise<unknown> }
}
interface ConversePage { readonly page: ConverseApi }

class Person {
  readonly page: Page

  constructor(page: Page) { this.page = page }

  /** By the name in the list of contacts. */
  contact(name: string) { return this.page.locator('li.list-item[data-status]').filter({ hasText: name }) }

  /** Resolves when the list of contacts has that name with that presence. */
  sees(name: string, status: string): Promise<void> {
    return this.page.locator(`li.list-item[data-status="${status}"]`).filter({ hasText: name }).first().waitFor({ timeout: patience })
  }

  add(user: string, name: string): Promise<void> {
    return this.page.evaluate(async ([jid = '', shown = '']) => {
      await (globalThis as unknown as ConversePage).page.contacts.add({ jid, name: shown, groups: [] })
    }, [`${user}@localhost`, name])
  }

  async acceptsRequest(): Promise<void> {
    await this.page.locator('.requesting-xmpp-contact button.dropdown-toggle').click({ timeout: patience })
    await this.page.locator('.accept-xmpp-request').click({ timeout: patience })
    await this.page.locator('.modal.show [type=submit]').first().click({ timeout: patience })
  }

  openChat(user: string): Promise<void> { return this.page.locator(`.open-chat[data-jid="${user}@localhost"]`).first().click({ timeout: patience }) }

  async say(text: string): Promise<void> {
    await this.page.locator('textarea.chat-textarea').fill(text)
    await this.page.keyboard.press('Enter')
  }

  reads(text: string): Promise<void> { return this.page.locator('.chat-msg__text').filter({ hasText: text }).first().waitFor({ timeout: patience }) }

  messages(): Promise<readonly string[]> { return this.page.locator('.chat-msg__text').allTextContents() }

  /** Resolves when it is in the window. */
  logsOut(): Promise<void> {
    return this.page.evaluate(async () => { await (globalThis as unknown as ConversePage).page.user.logout() })
  }
}

describe('Converse.js in two browsers, logged in with client certificates', { skip: requireProgram(...chromiumPrograms) }, () => {
  let browsing: Browsing
  let alice: Person
  let bob: Person

  const enter = async (user: string) => new Person(await browsing.openConverse(await browsing.freshBrowser({ hasCertificate: true, user }), user))
  const picture = async (name: string) => {
    await browsing.picture(alice.page, `converse-${name}-alice`)
    await browsing.picture(bob.page, `converse-${name}-bob`)
  }
  /** What the gateway told of since then; waits for `event`. */
  async function eventsUntil(event: string, since: number): Promise<readonly string[]> {
    const deadline = Date.now() + patience
    for (;;) {
      const told = browsing.gateway.events.slice(since).filter(({ level }) => level !== 'debug').map(({ event: name }) => name)
      if (told.includes(event)) return told
      assert.ok(Date.now() < deadline, `${event} does not come: ${told.join()}`)
      await new Promise(resolve => { setTimeout(resolve, 50) })
    }
  }

  before(async () => {
    browsing = await Browsing.start(gateway => gateway.url())
    alice = await enter('alice')
    bob = await enter('bob')
  })
  after(() => browsing.stop())

  test('both are in, by EXTERNAL, and see themselves', async () => {
    await alice.sees('alice@localhost', 'online')
    await bob.sees('bob@localhost', 'online')
    assert.deepEqual(browsing.gateway.eventsNamed('auth.success').map(({ mechanism, account }) => [account, mechanism]), [['alice@localhost', 'EXTERNAL'], ['bob@localhost', 'EXTERNAL']])
  })

  test('alice asks bob, he accepts, and she sees him; he asks her, and sees her', async () => {
    await alice.add('bob', 'Bob')
    await alice.sees('Bob', 'offline')
    await bob.contact('alice@localhost').first().waitFor({ timeout: patience })
    await picture('request')
    await bob.acceptsRequest()
    await alice.sees('Bob', 'online')
    await bob.add('alice', 'Alice')
    await bob.sees('alice', 'online')
    await picture('contacts')
  })

  test('they talk in both directions', async () => {
    await alice.openChat('bob')
    await alice.say('Wherefore art thou <bob> & co? 🌹')
    await bob.openChat('alice')
    await bob.reads('Wherefore art thou <bob> & co? 🌹')
    await bob.say('Here I am.')
    await alice.reads('Here I am.')
    await picture('chat')
  })

  test('alice reloads the page: her session goes on, with what bob said meanwhile, and he never saw her leave', async () => {
    const since = browsing.gateway.events.length
    const url = alice.page.url()
    await alice.page.goto('about:blank')
    await bob.say('While you reload.')
    await alice.page.goto(url)
    await alice.reads('While you reload.')
    const told = await eventsUntil('session.resumed', since)
    assert.deepEqual(told.filter(event => /^s(?:tream|ession)\./.test(event)), ['session.detached', 'session.resumed'])
    await bob.sees('alice', 'online')
    await alice.say('Here again.')
    await bob.reads('Here again.')
    await picture('resumed')
  })

  test('what is said to her while she is logged out is there when she comes back', async () => {
    const since = browsing.gateway.events.length
    const url = alice.page.url()
    await alice.logsOut()
    await eventsUntil('session.ended', since)
    await bob.sees('alice', 'offline')
    await bob.say('While you are away.')
    await picture('away')
    await alice.page.goto(url)
    await bob.sees('alice', 'online')
    await alice.openChat('bob')
    await alice.reads('While you are away.')
    assert.deepEqual((await alice.messages()).filter(text => text.includes('While you')), ['While you reload.', 'While you are away.'])
    await picture('back')
  })

  test('nothing that it sent was an error to the gateway', () => {
    for (const event of ['stream.error', 'stream.bug', 'store.failed', 'request.failed', 'session.bug']) assert.deepEqual(browsing.gateway.eventsNamed(event), [])
  })
})
