/** One session: what it lets through, and in which order it ends. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RateLimiter } from '../../src/session/rate-limiter.ts'
import { Session } from '../../src/session/session.ts'
import { fullJid } from '../../src/xmpp/jid.ts'
import { StreamError } from '../../src/xmpp/stream-error.ts'
import { bare } from '../support/external-certificate.ts'
import { principalOf, RecordedOutbound, stanza } from '../support/recorded-outbound.ts'

const account = bare('romeo@example.net')

/** A session whose surroundings write down all that happens, in one list. */
function recorded(limiter: RateLimiter | null = null) {
  const happened: string[] = []
  const note = (what: string) => { happened.push(what) }
  const outbound = new RecordedOutbound()
  const session: Session = new Session(fullJid(account, 'orchard'), principalOf(account), {
    facts: outbound.facts,
    send: wire => { outbound.send(wire); note('sent') },
    say: markup => { note(markup) },
    hasRoomFor: bytes => outbound.hasRoomFor(bytes),
    whenSent: act => { outbound.whenSent(act) },
    pause: milliseconds => { note(`paused ${milliseconds}`) },
    end: error => { note(`stream ended: ${error?.condition ?? 'in good order'}`); session.streamEnded(error === null ? 'closed' : 'failed') },
    fail: error => { note(`stream failed: ${String(error)}`); session.streamEnded('failed') },
  }, limiter, (_, reason) => { note(`reported: ${reason}`) })
  session.attach({
    receive: ({ kind }) => { note(`received: ${kind}`) },
    detach: reason => {
      note(`detached: ${reason}`)
      session.deliver(Buffer.from('<late/>'))
    },
    undelivered: () => { note('undelivered') },
  })
  return { session, happened, outbound }
}

describe('a session ends', () => {
  test('by leaving its domain first, then its stream, so that nothing is written behind the stream error', () => {
    const { session, happened } = recorded()
    session.end('replaced', new StreamError('conflict'))
    assert.deepEqual(happened, ['detached: replaced', 'reported: replaced', 'stream ended: conflict'])
  })

  test('once, however often and by whomever it is ended', () => {
    const { session, happened } = recorded()
    session.end('shutdown', new StreamError('system-shutdown'))
    session.end('replaced', new StreamError('conflict'))
    session.streamEnded('lost')
    assert.equal(happened.length, 3)
  })

  test('when its stream does: lost where there was no goodbye, closed otherwise', () => {
    for (const [how, reason] of [['closed', 'closed'], ['lost', 'lost'], ['failed', 'closed']] as const) {
      const { session, happened } = recorded()
      session.streamEnded(how)
      assert.deepEqual(happened, [`detached: ${reason}`, `reported: ${reason}`])
    }
  })

  test('and is then delivered nothing, not even what its own departure causes', () => {
    const { session, outbound } = recorded()
    session.end('closed', null)
    session.deliver(Buffer.from('<message/>'))
    assert.deepEqual(outbound.sent, [])
  })
})

test('a session whose domain fails when it leaves has ended all the same: its JID is free again, its stream over', () => {
  const ends: readonly ((session: Session) => void)[] = [session => { session.streamEnded('lost') }, session => { session.end('lost', new StreamError('conflict')) }]
  for (const [index, end] of ends.entries()) {
    const reported: string[] = []
    const outbound = new RecordedOutbound()
    const session = new Session(fullJid(account, 'orchard'), principalOf(account), outbound, null, (_, reason) => { reported.push(reason) })
    session.attach({ receive: () => undefined, detach: () => { throw new TypeError('a bug') }, undelivered: () => undefined })
    assert.throws(() => { end(session) }, TypeError)
    assert.deepEqual(reported, ['lost'])
    assert.deepEqual(outbound.sent, index === 0 ? [] : ['(end conflict)'])
  }
})

describe('"from" of what a client sends (RFC 6120 §8.1.2.1)', () => {
  const passes = (from: string): boolean => {
    const { session, happened } = recorded()
    try {
      session.receive(stanza(`<message from='${from}'/>`))
    } catch (error) {
      assert.ok(error instanceof StreamError && error.condition === 'invalid-from')
      assert.deepEqual(happened, [])
      return false
    }
    assert.deepEqual(happened, ['received: message'])
    return true
  }

  test('may be its full or its bare JID, however they are spelt', () => {
    for (const own of ['romeo@example.net/orchard', 'romeo@example.net', 'Romeo@EXAMPLE.net', 'ROMEO@example.net/orchard', 'romeo@example.net./orchard']) {
      assert.ok(passes(own), own)
    }
  })

  test('may be nobody else\'s, nor anything that is no JID', () => {
    for (const other of ['romeo@example.net/Orchard', 'romeo@example.net/', 'juliet@example.net', 'example.net', 'romeo@example.org', 'r\u{43E}meo@example.net', '', ' ']) {
      assert.ok(!passes(other), other)
    }
  })
})

test('a session that sends too fast is read from more slowly, and loses nothing (limits.max_stanzas_per_second)', () => {
  const { session, happened } = recorded(new RateLimiter({ perSecond: 2, burst: 1 }, { elapsed: () => 0 }))
  session.receive(stanza('<message/>'))
  session.receive(stanza('<presence/>'))
  assert.deepEqual(happened, ['received: message', 'paused 500', 'received: presence'])
})
