/** Who may take up a session, when, and what becomes of it otherwise (XEP-0198 §5, external.md §7). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ManagedSessions } from '../../src/session/managed-sessions.ts'
import type { Session } from '../../src/session/session.ts'
import type { CertificateVerdict } from '../../src/x509/verdict.ts'
import { NS_SM } from '../../src/xmpp/namespaces.ts'
import type { RecordedTransport } from '../support/recorded-transport.ts'
import { certificateOf, ResumingHouse } from '../support/resuming-house.ts'
import { recordingLog, TurnedClock } from '../support/turned-clock.ts'

const { bind, enable, resume } = ResumingHouse
const message = (to: string, id: string): string => `<message xmlns='jabber:client' type='chat' to='${to}' id='${id}'/>`
const idsIn = (heard: readonly string[]): readonly string[] => heard.filter(text => text.startsWith('<message')).map(text => /id='([^']*)'/.exec(text)?.[1] ?? '')
const isResumed = ([first = '']: readonly string[]): boolean => first.startsWith('<resumed ')
const isNotFound = ([first = '']: readonly string[]): boolean => first.startsWith('<failed ') && first.includes('<item-not-found ')

/** Alice with a session that can be resumed, and Bob, who writes to it. */
function scene(options: ConstructorParameters<typeof ResumingHouse>[0] = {}) {
  const house = new ResumingHouse(options)
  const alice = bind(house.arrive('alice'))
  const id = enable(alice)
  const bob = bind(house.arrive('bob'))
  const write = (...ids: readonly string[]) => { for (const one of ids) bob.say(message('alice@example.net/r', one)) }
  return { house, alice, id, bob, write }
}
const ended = ({ events }: ResumingHouse) => events.filter(({ event }) => event === 'session.ended').map(({ reason }) => reason)

describe('a session is taken up', () => {
  test('by one of two who try at once: the other one ends with <conflict/>, and nothing is lost', () => {
    const { house, alice, id, write } = scene()
    alice.events.lost(null)
    write('1', '2')
    const [one, two] = [house.arrive('alice'), house.arrive('alice')]
    const first = resume(one, id)
    assert.ok(isResumed(first))
    assert.ok(isResumed(resume(two, id, 2)))
    assert.match(one.heard().join(''), /<conflict .*\(footer\)$/)
    write('3')
    assert.deepEqual([idsIn(first), idsIn(one.heard()), idsIn(two.heard())], [['1', '2'], [], ['3']])
    assert.deepEqual([house.manager.sessionCount, house.manager.streamCount], [2, 2])
  })

  test('by nobody who only knows its id', () => {
    const { house, id, bob } = scene()
    const thief = house.arrive('mallory')
    const heard = resume(thief, id)
    assert.ok(isNotFound(heard))
    assert.ok(!heard.join('').includes(' h='), 'not even how far it had come')
    assert.deepEqual(heard, resume(thief, 'no such id'), 'whether there is one cannot be told')
    assert.deepEqual(bob.heard(), [])
    assert.equal(house.manager.sessionCount, 2)
  })

  test('by a login with a certificate, where it began with one, and not by a password', async () => {
    const { house, alice, id } = scene()
    alice.events.lost(null)
    const heard = resume(await house.arriveByPassword('alice', 'pencil'), id)
    assert.ok(isNotFound(heard) && heard[0]?.includes("h='0'"))
    assert.equal(house.events.find(({ event }) => event === 'session.not_resumed')?.account, 'alice@example.net')
    assert.ok(isResumed(resume(house.arrive('alice'), id)))
  })

  test('by any login of the account, where it began with a password; from then on as it came last', async () => {
    const house = new ResumingHouse()
    const alice = bind(await house.arriveByPassword('alice', 'pencil'))
    const id = enable(alice)
    alice.events.lost(null)
    const again = await house.arriveByPassword('alice', 'pencil')
    assert.ok(isResumed(resume(again, id)))
    const withCertificate = house.arrive('alice')
    assert.ok(isResumed(resume(withCertificate, id)))
    assert.ok(isNotFound(resume(await house.arriveByPassword('alice', 'pencil'), id)))
  })

  test('only while the certificate is good at that moment', () => {
    const { house, id } = scene()
    let verdict: CertificateVerdict = { kind: 'accepted', certificate: certificateOf('alice') }
    const late = house.arrive('alice', () => verdict)
    verdict = { kind: 'refused', reason: 'revoked', text: 'revoked', certificate: certificateOf('alice') }
    assert.ok(isNotFound(resume(late, id)))
    const short = { ...certificateOf('alice'), notAfter: house.clock.now() + 1_000 }
    const expiring = house.arrive('alice', () => ({ kind: 'accepted', certificate: short }))
    house.clock.jump(1_001)
    assert.ok(isNotFound(resume(expiring, id)))
    let shown = certificateOf('alice')
    const changing = house.arrive('alice', () => ({ kind: 'accepted', certificate: shown }))
    shown = { ...shown, fingerprint256: 'cd'.repeat(32) }
    assert.ok(isNotFound(resume(changing, id)), 'nor by a connection that shows another one than it logged in with')
  })

  test('with a good certificate after it lost its stream to <reset/>, because the first had expired (external.md §7)', () => {
    const house = new ResumingHouse()
    const first = { ...certificateOf('alice'), notAfter: house.clock.now() + 1_000 }
    const expiring = bind(house.arrive('alice', () => ({ kind: 'accepted', certificate: first })))
    const id = enable(expiring)
    const bob = bind(house.arrive('bob'))
    house.clock.advance(20_000)
    assert.match(expiring.heard().join(''), /<reset .*\(footer\)$/)
    assert.equal(house.manager.sessionCount, 2)
    bob.say(message('alice@example.net/r', '1'))
    const heard = resume(house.arrive('alice'), id)
    assert.ok(isResumed(heard))
    assert.deepEqual(idsIn(heard), ['1'])
  })

  test('again, with all that is left, when the connection goes while it is told what it missed', () => {
    const { house, alice, id, write } = scene()
    alice.events.lost(null)
    write('1', '2', '3')
    const unlucky = house.arrive('alice')
    let count = 0
    unlucky.onSend = () => {
      count += 1
      if (count === 3) unlucky.events.lost(null)
    }
    assert.deepEqual(idsIn(resume(unlucky, id)), ['1', '2'], 'nothing is written to a stream that has gone')
    const heard = resume(house.arrive('alice'), id, 1)
    assert.deepEqual(idsIn(heard), ['2', '3'])
    assert.equal(heard.at(-1), `<r xmlns='${NS_SM}'/>`, 'and is asked whether it has them now')
  })
})

describe('a session that waits for its client', () => {
  test('waits as long as it was promised, whatever the clock on the wall does, and not much longer', () => {
    const { house, alice, id, write, bob } = scene()
    alice.events.lost(null)
    write('1')
    house.clock.jump(3_600_000)
    house.clock.advance(299_000)
    assert.equal(house.manager.sessionCount, 2)
    house.clock.advance(3_000)
    assert.equal(house.manager.sessionCount, 1)
    assert.deepEqual(ended(house), ['lost'])
    assert.match(bob.heard().join(''), /type='error' id='1'.*<service-unavailable /)
    assert.match(resume(house.arrive('alice'), id).join(''), /<failed [^>]*h='0'/)
  })

  test('does not wait shorter than it was promised, whenever within a second it begins', () => {
    const { house, alice } = scene()
    house.clock.advance(900)
    alice.events.lost(null)
    house.clock.advance(299_999)
    assert.equal(house.manager.sessionCount, 2)
  })

  test('lets go of its connection, and needs no timer of its own', () => {
    const { house, alice, id } = scene()
    const before = house.clock.pending
    alice.events.lost(null)
    const [session] = [...house.manager.sessions].filter(({ isDetached }) => isDetached)
    assert.deepEqual([session?.facts.transport, session?.facts.certificate().kind], ['websocket', 'none'])
    assert.equal(house.clock.pending, before)
    assert.ok(isResumed(resume(house.arrive('alice'), id)))
    assert.equal(house.clock.pending, before)
  })

  test('makes room for another one of its account, the one that has waited longest first', () => {
    const house = new ResumingHouse({ maxSessionsPerAccount: 3 })
    const sessions = ['a', 'b', 'c'].map(resource => {
      const transport = bind(house.arrive('alice'), resource)
      return { transport, id: enable(transport) }
    })
    for (const { transport } of sessions.slice(0, 2)) {
      transport.events.lost(null)
      house.clock.advance(5_000)
    }
    bind(house.arrive('alice'), 'd')
    assert.deepEqual([...house.manager.sessions].map(({ jid }) => jid.at(-1)).sort(), ['b', 'c', 'd'])
    assert.ok(isResumed(resume(house.arrive('alice'), sessions[1]!.id)))
    const refused = house.arrive('alice')
    refused.say("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
    assert.match(refused.heard().join(''), /<resource-constraint /)
  })

  test('gives up its resource even where the first client keeps it (close_new)', () => {
    const { house, alice } = scene({ resourceConflict: 'close_new' })
    alice.events.lost(null)
    const newcomer = house.arrive('alice')
    bind(newcomer)
    assert.deepEqual(ended(house), ['replaced'])
    assert.equal(house.manager.sessionCount, 2)
  })

  test('is not there any more when its stream was closed, or ended by an error of its client', () => {
    for (const end of [(alice: RecordedTransport) => { alice.events.footer() }, (alice: RecordedTransport) => { alice.say("<nonsense xmlns='urn:example:n'/>") }]) {
      const { house, alice, id } = scene()
      end(alice)
      assert.equal(house.manager.sessionCount, 1)
      assert.match(resume(house.arrive('alice'), id).join(''), /<failed [^>]*h='0'.*<item-not-found /)
      assert.ok(!resume(house.arrive('mallory'), id).join('').includes(' h='), 'that is for its own account')
    }
  })
})

describe('what was never acknowledged', () => {
  test('of a session that has too much of it: it ends when those have finished who write to it, once', () => {
    const { house, alice, bob, write } = scene({ resumption: { seconds: 300, location: null, maxStanzas: 10, maxBytes: 1_000_000 } })
    write(...Array.from({ length: 15 }, (_, index) => String(index)))
    assert.equal(house.manager.sessionCount, 2)
    house.clock.advance(0)
    assert.match(alice.heard().join(''), /<policy-violation .*\(footer\)$/)
    assert.equal(house.manager.sessionCount, 1)
    house.clock.advance(0)
    assert.equal(bob.heard().filter(text => text.includes("type='error'")).length, 15)
    assert.deepEqual(house.events.filter(({ event }) => event === 'session.queue_full').map(({ limit }) => limit), ['session.max_unacked_stanzas'])
  })

  test('of a session that has too much of it for a moment only: it goes on', () => {
    const { house, alice, write } = scene({ resumption: { seconds: 300, location: null, maxStanzas: 10, maxBytes: 1_000_000 } })
    write(...Array.from({ length: 15 }, (_, index) => String(index)))
    alice.say(`<a xmlns='${NS_SM}' h='15'/>`)
    house.clock.advance(0)
    assert.equal(house.manager.sessionCount, 2)
    assert.equal(house.clock.pending, 2, 'the sweeps, of sessions and of certificates')
  })

  test('of a session that waits for its client, which is then lost, and was not closed', () => {
    const { house, alice, write } = scene({ resumption: { seconds: 300, location: null, maxStanzas: 10, maxBytes: 1_000_000 } })
    alice.events.lost(null)
    write(...Array.from({ length: 11 }, (_, index) => String(index)))
    house.clock.advance(0)
    assert.deepEqual(ended(house), ['lost'])
  })

  test('lies in memory of its own while nobody is there', () => {
    const { house, alice, write } = scene()
    write('1')
    alice.events.lost(null)
    write('2')
    const [session] = [...house.manager.sessions].filter(({ isDetached }) => isDetached)
    assert.deepEqual(session?.management?.unacknowledged.map(({ wire }) => wire.buffer.byteLength === wire.byteLength), [true, true])
  })

  test('is asked for again when the answer leaves eight of it', () => {
    const { alice, write } = scene()
    write(...Array.from({ length: 20 }, (_, index) => String(index)))
    assert.equal(alice.heard().filter(text => text.startsWith('<r ')).length, 1)
    alice.say(`<a xmlns='${NS_SM}' h='8'/>`)
    assert.deepEqual(alice.heard(), [`<r xmlns='${NS_SM}'/>`])
    alice.say(`<a xmlns='${NS_SM}' h='13'/>`)
    assert.deepEqual(alice.heard(), [])
  })

  test('goes back to who sent it at once when everything ends, while somebody is there to hear it', () => {
    const { house, alice, bob, write } = scene()
    alice.events.lost(null)
    write('1')
    bob.heard()
    house.manager.shutdown()
    assert.match(bob.heard().join(''), /type='error' id='1'.*<system-shutdown /)
    assert.deepEqual([house.clock.pending, house.manager.sessionCount], [0, 0])
  })
})

test('an element of no feature, or of one that was not asked for, is none of this stream', () => {
  for (const xml of [`<r xmlns='${NS_SM}'/>`, `<enabled xmlns='${NS_SM}'/>`, "<active xmlns='urn:example:n'/>"]) {
    const house = new ResumingHouse()
    const alice = bind(house.arrive('alice'))
    alice.say(xml)
    assert.match(alice.heard().join(''), /<unsupported-stanza-type /, xml)
  }
})

test('while nobody uses stream management there is nothing to look after', () => {
  const house = new ResumingHouse()
  const alice = bind(house.arrive('alice'))
  const before = house.clock.pending
  enable(alice)
  assert.equal(house.clock.pending, before + 1)
  alice.events.footer()
  assert.equal(house.clock.pending, before)
})

test('so many ended sessions are remembered, and the oldest are forgotten', () => {
  const clock = new TurnedClock()
  let ids = 0
  const sessions = new ManagedSessions({ seconds: 300, location: null, maxStanzas: 10, maxBytes: 10_000 },
    { newId: () => String(ids += 1), clock, log: recordingLog().log })
  for (let count = 0; count < 10_001; count += 1) {
    const { management } = sessions.begin({ resume: true, max: null })
    const session = { jid: 'alice@example.net/r', management } as unknown as Session
    sessions.add(session, management)
    sessions.remove(session, 'now')
  }
  assert.deepEqual([sessions.find('1'), sessions.find('2')], [null, { account: 'alice@example.net', handled: 0 }])
})

test('between login and a resource only a resource can be bound, or a session resumed', () => {
  for (const xml of [`<r xmlns='${NS_SM}'/>`, `<a xmlns='${NS_SM}' h='0'/>`, `<nonsense xmlns='${NS_SM}'/>`]) {
    const alice = new ResumingHouse().arrive('alice')
    alice.say(xml)
    assert.match(alice.heard().join(''), /<unsupported-stanza-type /, xml)
  }
})

test('who acknowledges too much is told what it said and what it was sent (§6)', () => {
  const { alice, write } = scene()
  write('1')
  alice.heard()
  alice.say(`<a xmlns='${NS_SM}' h='3'/>`)
  assert.match(alice.heard().join(''), /<undefined-condition [^>]*\/>.*<handled-count-too-high xmlns='urn:xmpp:sm:3' h='3' send-count='1'\/>/)
})

test('a session whose connection goes with the answer to <enable/> is over, and nobody looks after it', () => {
  const house = new ResumingHouse()
  const alice = bind(house.arrive('alice'))
  const before = house.clock.pending
  alice.onSend = () => { alice.events.lost(null) }
  alice.say(`<enable xmlns='${NS_SM}' resume='true'/>`)
  assert.deepEqual([house.manager.sessionCount, house.clock.pending], [0, before])
})

test('what only looks like an element of stream management is none', () => {
  for (const local of ['enable', 'resume', 'r', 'a']) {
    const { alice } = scene()
    alice.say(`<${local} xmlns='urn:example:n' h='0'/>`)
    assert.match(alice.heard().join(''), /<unsupported-stanza-type /, local)
  }
})

test('elements of stream management count as stanzas do for how fast a client may send', () => {
  const house = new ResumingHouse({ rate: { perSecond: 1, burst: 5 } })
  const alice = bind(house.arrive('alice'))
  enable(alice)
  for (let count = 0; count < 4; count += 1) alice.say(`<r xmlns='${NS_SM}'/>`)
  assert.doesNotMatch(alice.heard().join(''), /pause/)
  alice.say(`<r xmlns='${NS_SM}'/>`)
  assert.equal(alice.heard()[0], '(pause 1000)')
})

test('an acknowledgement that says no number ends the stream with bad-format', () => {
  for (const h of ['', " h=''", " h='-1'", " h='4294967296'", " h='0x1'"]) {
    const { alice } = scene()
    alice.say(`<a xmlns='${NS_SM}'${h}/>`)
    assert.match(alice.heard().join(''), /<bad-format /, h)
  }
})
