/** What every Domain promises its sessions, whether it is embedded or stands behind us: run it on each implementation. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Departure, Domain } from '../../src/session/domain.ts'
import { Session } from '../../src/session/session.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { parse } from '../../src/xml/parse.ts'
import { type BareJid, bareOf, domainOf, isFull, makeJid, resourcepartOf } from '../../src/xmpp/jid.ts'
import { NS_CLIENT } from '../../src/xmpp/namespaces.ts'
import { StanzaError } from '../../src/xmpp/stanza-error.ts'
import { principalOf, RecordedOutbound, stanza } from '../support/recorded-outbound.ts'
import { settled } from '../support/turned-clock.ts'

/** A session as the session manager makes it, with its stream in the test's hands. */
async function enter(domain: Domain, account: BareJid, resource: string | null) {
  const outbound = new RecordedOutbound()
  const jid = await domain.bind(principalOf(account), resource)
  const session = new Session(jid, principalOf(account), outbound, null, () => undefined)
  const attachment = domain.attach(session)
  session.attach(attachment)
  return { jid, session, outbound, attachment }
}

export function domainContract(title: string, make: () => Domain): void {
  const account = (domain: Domain, user: string): BareJid => makeJid(user, domain.name)

  describe(`Domain contract: ${title}`, () => {
    test('binds a full JID of the account that logged in, and another one each time that none is asked for (RFC 6120 §7.6)', async () => {
      const domain = make()
      const jids = await Promise.all(Array.from({ length: 20 }, async () => domain.bind(principalOf(account(domain, 'romeo')), null)))
      for (const jid of jids) {
        assert.ok(isFull(jid))
        assert.equal(bareOf(jid), account(domain, 'romeo'))
        assert.equal(domainOf(jid), domain.name)
      }
      assert.equal(new Set(jids).size, 20)
    })

    test('binds what is asked for in its prepared form (RFC 7622 §3.4)', async () => {
      const domain = make()
      const jid = await domain.bind(principalOf(account(domain, 'romeo')), 'cafe\u0301\u3000noir')
      assert.equal(resourcepartOf(jid), 'caf\u00E9 noir')
    })

    test('refuses what is no resourcepart with bad-request (RFC 6120 §7.7.2.1)', async () => {
      const domain = make()
      for (const resource of ['', '\u0000', 'a\nb', '\uFFFE', 'x'.repeat(1_024)]) {
        await assert.rejects(async () => domain.bind(principalOf(account(domain, 'romeo')), resource),
          (error: unknown) => error instanceof StanzaError && error.condition === 'bad-request', JSON.stringify(resource.slice(0, 10)))
      }
    })

    test('passes on what one session sends to another: all of it, in order, stamped with its full JID, and stand-alone', async () => {
      const domain = make()
      const romeo = await enter(domain, account(domain, 'romeo'), 'orchard')
      const juliet = await enter(domain, account(domain, 'juliet'), null)
      for (let index = 0; index < 50; index += 1) romeo.session.receive(stanza(`<message to='${juliet.jid}' id='${index}'><body>${'x'.repeat(index)}</body></message>`))
      await settled()
      const delivered = juliet.outbound.heard().map(text => parse(Buffer.from(text)))
      assert.deepEqual(delivered.map(({ attributes }) => attributes.get('id')), Array.from({ length: 50 }, (_, index) => String(index)))
      for (const { ns, local, attributes } of delivered) {
        assert.deepEqual([ns, local, attributes.get('from')], [NS_CLIENT, 'message', romeo.jid])
      }
      assert.deepEqual(romeo.outbound.heard(), [])
    })

    test('does not change the bytes that a session is given when other sessions are given them, too', async () => {
      const domain = make()
      const phones = await Promise.all(['a', 'b'].map(resource => enter(domain, account(domain, 'juliet'), resource)))
      for (const { session } of phones) session.receive(stanza('<presence/>'))
      await settled()
      for (const { outbound } of phones) outbound.heard()
      const romeo = await enter(domain, account(domain, 'romeo'), null)
      romeo.session.receive(stanza(`<message to='${account(domain, 'juliet')}' type='chat'><body>a</body></message>`))
      await settled()
      const [one, two] = phones.map(({ outbound }) => outbound.heard())
      assert.equal(one?.length, 1)
      assert.deepEqual(one, two)
    })

    for (const reason of ['closed', 'lost', 'replaced', 'shutdown'] as const satisfies readonly Departure[]) {
      test(`delivers nothing any more to a session that left (${reason}), and tells who writes to it`, async () => {
        const domain = make()
        const romeo = await enter(domain, account(domain, 'romeo'), null)
        const juliet = await enter(domain, account(domain, 'juliet'), null)
        juliet.session.receive(stanza('<presence/>'))
        await settled()
        juliet.session.end(reason, null)
        juliet.outbound.heard()
        romeo.session.receive(stanza(`<message to='${juliet.jid}' id='m1'/>`))
        await settled()
        assert.deepEqual(juliet.outbound.heard(), [])
        const [answer] = romeo.outbound.heard().map(text => parse(Buffer.from(text)))
        assert.deepEqual([answer?.attributes.get('type'), answer?.attributes.get('id')], ['error', 'm1'])
      })
    }

    test('loses nothing silently that a session was given and never acknowledged: messages and requests come back, answers and errors do not (XEP-0198 §4)', async () => {
      const domain = make()
      const romeo = await enter(domain, account(domain, 'romeo'), null)
      const juliet = await enter(domain, account(domain, 'juliet'), null)
      const sent = [`<message to='${juliet.jid}' id='m1'><body>a</body></message>`, `<iq type='get' to='${juliet.jid}' id='i1'><q xmlns='urn:example:q'/></iq>`,
        `<iq type='result' to='${juliet.jid}' id='i2'/>`, `<message type='error' to='${juliet.jid}' id='m2'/>`, `<presence to='${juliet.jid}' id='p1'/>`]
      for (const xml of sent) romeo.session.receive(stanza(xml))
      await settled()
      const given = juliet.outbound.heard().map(text => ({ wire: Buffer.from(text), at: systemClock.now(), elapsed: systemClock.elapsed() }))
      assert.equal(given.length, sent.length)
      juliet.session.end('lost', null)
      await settled()
      romeo.outbound.heard()
      juliet.attachment.undelivered(given)
      await settled()
      const answers = romeo.outbound.heard().map(text => parse(Buffer.from(text)))
      assert.deepEqual(answers.map(({ local, attributes }) => [local, attributes.get('type'), attributes.get('id'), attributes.get('from')]),
        [['message', 'error', 'm1', juliet.jid], ['iq', 'error', 'i1', juliet.jid]])
    })

    test('gives the JID of a session that left to the next', async () => {
      const domain = make()
      const first = await enter(domain, account(domain, 'romeo'), 'orchard')
      first.session.end('closed', null)
      const second = await enter(domain, account(domain, 'romeo'), 'orchard')
      second.session.receive(stanza(`<message to='${second.jid}' id='m1'/>`))
      await settled()
      assert.equal(second.outbound.heard().length, 1)
      assert.deepEqual(first.outbound.heard(), ['(end in good order)'])
    })

    test('answers what it cannot handle, and never throws for what a client sends', async () => {
      const domain = make()
      const { session, outbound } = await enter(domain, account(domain, 'romeo'), null)
      const odd = ["<message to='a@@b'/>", "<message to=''/>", "<message to='nobody@nowhere.example'/>", "<iq/>", "<iq type='get' id='1'/>",
        "<iq type='get' id='1' to='@'><a xmlns='b'/></iq>", "<presence type='x'/>", '<presence><priority>x</priority></presence>', "<presence to='/'/>",
        "<iq type='get' id='1'><constructor xmlns='__proto__'/></iq>"]
      for (const xml of odd) session.receive(stanza(xml))
      await settled()
      const answers = outbound.heard().map(text => parse(Buffer.from(text)))
      assert.equal(answers.length, odd.length)
      for (const { attributes } of answers) assert.equal(attributes.get('type'), 'error')
    })
  })
}
