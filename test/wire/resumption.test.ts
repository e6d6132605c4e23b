// Whose a session is (XEP-0198 §5, behaviour page "SASL EXTERNAL" §7): of those who try at once one has it, and its id alone is worth nothing. Over every
// transport, with the session on another one.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Element } from '../../src/xml/element.ts'
import type { TestCertificate } from '../support/certificates.ts'
import { ClientAuthority } from '../support/client-authority.ts'
import { overBosh } from '../support/conversation-bosh.ts'
import type { ClientAdapter, ConversationClient } from '../support/conversation-client.ts'
import { overTcp } from '../support/conversation-tcp.ts'
import { overWebSocket } from '../support/conversation-websocket.ts'
import { Gateway } from '../support/gateway.ts'
import { addAccounts, fewIterations } from '../support/password-accounts.ts'
import { TurnedClock } from '../support/turned-clock.ts'
import { NS_SASL, streamErrorIn } from '../support/wire-client.ts'

const NS_SM = 'urn:xmpp:sm:3'
const password = 'open sesame'
const maxUnread = 20_000
const tls = `tls.certfile = "certs/server.crt"
tls.keyfile = "certs/server.key"
tls.cacertfile = "certs/clients.crt"
tls.crl_files = ["certs/lists.crl"]
`
const toml = `
[general]
hosts = ["localhost"]
[[listen.http]]
port = 0
${tls}websocket.ping_rate = 0
[[listen.c2s]]
port = 0
${tls}tls.mode = "starttls_required"
tls.disconnect_on_failure = false
[auth]
methods = ["pki", "internal"]
sasl_mechanisms = ["external", "plain"]
[limits]
max_unread_bytes = ${maxUnread}
${fewIterations}`

const authority = new ClientAuthority()
const clock = new TurnedClock()
let gateway: Gateway
before(async () => {
  gateway = await Gateway.start({
    toml, clock, async prepare(folder) {
      await addAccounts(folder, { alice: password, bob: password })
      await authority.trustIn(folder)
      await authority.publish(join(folder, 'certs', 'lists.crl'), [])
    },
  })
})
after(async () => {
  const stopped = gateway.stop()
  clock.advance(2_000)
  await stopped
})

const revoke = async (...certificates: readonly TestCertificate[]) => {
  await authority.publish(join(gateway.folder, 'certs', 'lists.crl'), certificates)
  assert.equal(await gateway.app.reload(), true)
}

/** Somebody at the door, on one transport. */
class Guest {
  readonly client: ConversationClient
  jid = ''

  private constructor(client: ConversationClient) { this.client = client }

  static async come(way: ClientAdapter, certificate: TestCertificate): Promise<Guest> {
    const port = gateway.port(way === overTcp ? 1 : 0)
    return new Guest(await way.connect(Object.create(gateway, { port: { value: () => port } }) as Gateway, authority.identityOf(certificate)))
  }

  /** Logged in with the certificate, or with what is said to SASL. */
  static async login(way: ClientAdapter, certificate: TestCertificate, auth?: string): Promise<Guest> {
    const guest = await Guest.come(way, certificate)
    guest.client.open('localhost')
    await guest.hear('features')
    assert.equal((await guest.authenticate(auth)).local, 'success')
    guest.client.restart('localhost')
    await guest.hear('features')
    return guest
  }

  /** Bound, with a session that can be resumed by the id. */
  static async settle(way: ClientAdapter, certificate: TestCertificate): Promise<{ readonly guest: Guest, readonly id: string }> {
    const guest = await Guest.login(way, certificate)
    guest.client.send("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    guest.jid = (await guest.hear('iq')).children[0]?.children[0]?.text ?? ''
    guest.client.send(`<enable xmlns='${NS_SM}' resume='true'/>`)
    return { guest, id: (await guest.hear('enabled')).attributes.get('id') ?? '' }
  }

  async hear(local: string): Promise<Element> {
    const element = await this.client.next()
    assert.equal(element?.local, local)
    return element
  }

  async authenticate(auth = `<auth xmlns='${NS_SASL}' mechanism='EXTERNAL'>=</auth>`): Promise<Element> {
    this.client.send(auth)
    const answer = await this.client.next()
    assert.ok(answer !== null)
    return answer
  }

  resume(id: string): void { this.client.send(`<resume xmlns='${NS_SM}' previd='${id}' h='0'/>`) }

  /** What it hears until that message, or to the end. */
  async hearAll(last: string): Promise<readonly Element[]> {
    const all: Element[] = []
    for (;;) {
      const element = await this.client.next().catch(() => null)
      if (element === null) return all
      all.push(element)
      if (element.attributes.get('id') === last) return all
    }
  }
}

const plain = (user: string) => `<auth xmlns='${NS_SASL}' mechanism='PLAIN'>${Buffer.from(`\0${user}\0${password}`).toString('base64')}</auth>`
const chat = (to: string, id: string) => `<message xmlns='jabber:client' type='chat' to='${to}' id='${id}'><body>${id}</body></message>`
const sessionsOf = (user: string) => gateway.eventsNamed('session.bound').filter(({ jid }) => String(jid).startsWith(`${user}@`)).length
  - gateway.eventsNamed('session.ended').filter(({ jid }) => String(jid).startsWith(`${user}@`)).length

const ways = [overWebSocket, overBosh, overTcp] as const

describe('of those who resume a session at once exactly one has it', () => {
  const crowds: readonly (readonly [name: string, ways: readonly ClientAdapter[]])[] = [
    ...ways.map(way => [`all over ${way.name}`, [way, way, way, way]] as const), ['over all transports', [...ways, ...ways]],
  ]
  for (const [name, crowd] of crowds) {
    for (const isThere of [false, true]) {
      test(`${name}, ${isThere ? 'while its stream is still there' : 'after its stream was lost'}; the others hear <conflict/>`, async () => {
        const alice = authority.issue('alice')
        const { guest: first, id } = await Guest.settle(overWebSocket, alice)
        const { guest: bob } = await Guest.settle(overWebSocket, authority.issue('bob'))
        const guests = await Promise.all(crowd.map(way => Guest.login(way, alice)))
        if (!isThere) first.client.break()
        const left = first.hearAll('never')
        for (const guest of guests) guest.resume(id)
        const heard = guests.map(guest => guest.hearAll('after'))
        // A round trip of theirs and one of bob's, who writes when all of them have been heard.
        await settledBy(() => gateway.eventsNamed('session.resumed').filter(({ jid }) => jid === first.jid).length === guests.length)
        bob.client.send(chat(first.jid, 'after'))
        const all = await Promise.all(heard)
        for (const [one] of all) assert.deepEqual([one?.local, one?.attributes.get('previd')], ['resumed', id])
        const winners = all.filter(elements => elements.some(element => element.attributes.get('id') === 'after'))
        assert.equal(winners.length, 1)
        for (const elements of all.filter(elements => elements !== winners[0])) assert.equal(streamErrorIn(elements.at(-1)!)?.condition, 'conflict')
        if (isThere) assert.equal(streamErrorIn((await left).at(-1)!)?.condition, 'conflict')
        assert.equal(sessionsOf('alice'), 1)
        const winner = guests[all.indexOf(winners[0]!)]!
        winner.client.send(`<a xmlns='${NS_SM}' h='1'/>`)
        await Promise.all([winner.client.close(), bob.client.close()])
        assert.equal(sessionsOf('alice'), 0)
      })
    }
  }
})

/** Looks again each time the event loop comes round. */
async function settledBy(isThere: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !isThere();) {
    if (Date.now() > deadline) throw new Error('it did not happen')
    await new Promise(resolve => { setImmediate(resolve) })
  }
}

for (const [index, way] of ways.entries()) {
  const other = ways[(index + 1) % ways.length]!
  describe(`over ${way.name} a stolen id is worth nothing`, () => {
    const alice = authority.issue('alice')
    let victim: Guest
    let id = ''
    before(async () => { ({ guest: victim, id } = await Guest.settle(other, alice)) })

    /** Nothing happened to whose it is. */
    const isUnharmed = async () => {
      victim.client.send(`<r xmlns='${NS_SM}'/>`)
      assert.equal((await victim.hear('a')).attributes.get('h'), '0')
      assert.equal(sessionsOf('alice'), 1)
    }
    const refused = async (thief: Guest, isOfTheAccount: boolean) => {
      thief.resume(id)
      const { attributes, children: [condition] } = await thief.hear('failed')
      assert.deepEqual([attributes.has('h'), condition?.local], [isOfTheAccount, 'item-not-found'])
      await isUnharmed()
      thief.client.break()
    }

    test('to somebody who has not logged in', async () => {
      const thief = await Guest.come(way, authority.issue('mallory'))
      thief.client.open('localhost')
      await thief.hear('features')
      thief.resume(id)
      assert.equal((await thief.hear('failed')).children[0]?.local, 'unexpected-request')
      await isUnharmed()
      // Nor when the login comes too late.
      assert.equal((await thief.authenticate()).local, 'success')
      thief.resume(id)
      assert.ok(streamErrorIn((await thief.hearAll('never')).at(-1)!), 'a header was expected')
      await isUnharmed()
    })
    test('to another account, by certificate or password', async () => {
      await refused(await Guest.login(way, authority.issue('mallory')), false)
      await refused(await Guest.login(way, authority.issue('mallory'), plain('bob')), false)
    })
    test('to the account\'s password, where the session is of a certificate', async () => {
      await refused(await Guest.login(way, authority.issue('mallory'), plain('alice')), true)
      // That very certificate is shown too, but it is not who logged in.
      await refused(await Guest.login(way, alice, plain('alice')), true)
    })
    test('to a certificate of the account that was revoked before it logged in', async () => {
      const lost = authority.issue('alice')
      await revoke(lost)
      const thief = await Guest.come(way, lost)
      thief.client.open('localhost')
      await thief.hear('features')
      assert.equal((await thief.authenticate()).local, 'failure')
      thief.resume(id)
      assert.equal((await thief.hear('failed')).children[0]?.local, 'unexpected-request')
      thief.client.break()
      await refused(await Guest.login(way, lost, plain('alice')), true)
    })
    test('to a certificate of the account that was revoked, or expired, since it logged in', async () => {
      const lost = authority.issue('alice')
      const thief = await Guest.login(way, lost)
      await revoke(lost)
      await refused(thief, true)
      const brief = await Guest.login(way, authority.issue('alice', { notAfter: clock.now() + 60_000 }))
      clock.jump(61_000)
      await refused(brief, true)
    })
    test('and goes on with what was sent meanwhile when whose it is comes back, over this transport', async () => {
      victim.client.break()
      const { guest: bob } = await Guest.settle(overWebSocket, authority.issue('bob'))
      bob.client.send(chat(victim.jid, 'meanwhile'))
      const back = await Guest.login(way, authority.issue('alice'))
      back.resume(id)
      const { attributes } = await back.hear('resumed')
      assert.deepEqual([attributes.get('previd'), attributes.get('h')], [id, '0'])
      assert.equal((await back.hear('message')).attributes.get('id'), 'meanwhile')
      back.client.send(`<a xmlns='${NS_SM}' h='1'/>`)
      await Promise.all([back.client.close(), bob.client.close()])
      assert.equal(sessionsOf('alice'), 0)
    })
  })

  test(`over ${way.name}: a session whose certificate is revoked loses its stream to <reset/>, and goes on with a good one of the account, not with the old (external.md §7)`, async () => {
    const lost = authority.issue('alice')
    const { guest, id } = await Guest.settle(way, lost)
    const late = await Guest.login(other, lost)
    await revoke(lost)
    assert.equal(streamErrorIn((await guest.hearAll('never')).at(-1)!)?.condition, 'reset')
    late.resume(id)
    assert.equal((await late.hear('failed')).children[0]?.local, 'item-not-found')
    late.client.break()
    const back = await Guest.login(other, authority.issue('alice'))
    back.resume(id)
    await back.hear('resumed')
    await back.client.close()
    assert.equal(sessionsOf('alice'), 0)
    await revoke()
  })
}

for (const way of ways) {
  test(`over ${way.name}: however much waits for a client, it can resume, as long as there is anything to resume (limits.max_unread_bytes)`, async () => {
    for (const total of [maxUnread - 2_000, maxUnread - 1_001, maxUnread - 1_000, maxUnread - 999, maxUnread - 100, maxUnread]) {
      const { guest: alice, id } = await Guest.settle(overWebSocket, authority.issue('alice'))
      const { guest: bob } = await Guest.settle(overWebSocket, authority.issue('bob'))
      alice.client.break()
      await settledBy(() => gateway.eventsNamed('session.detached').some(({ jid }) => jid === alice.jid))
      // As the gateway keeps it: with its sender.
      const message = (bytes: number) => {
        const rest = chat(alice.jid, 'full').length + ` from='${bob.jid}'`.length
        return chat(alice.jid, 'full').replace('<body>', `<body>${'x'.repeat(bytes - rest)}`)
      }
      bob.client.send(message(9_000))
      bob.client.send(message(total - 9_000))
      bob.client.send(`<r xmlns='${NS_SM}'/>`)
      while ((await bob.client.next())?.local !== 'a');
      // What is too much ends the session a moment later.
      clock.advance(1)
      const back = await Guest.login(way, authority.issue('alice'))
      back.resume(id)
      const answer = await back.client.next()
      const isOver = gateway.eventsNamed('session.ended').some(({ jid }) => jid === alice.jid)
      assert.equal(answer?.local, isOver ? 'failed' : 'resumed', String(total))
      if (total < maxUnread - 1_000) assert.ok(!isOver, String(total))
      if (!isOver) {
        for (const local of ['message', 'message', 'r']) await back.hear(local)
        back.client.send(`<a xmlns='${NS_SM}' h='2'/>`)
      }
      await Promise.all([back.client.close(), bob.client.close()])
      await settledBy(() => sessionsOf('alice') === 0)
    }
  })
}
