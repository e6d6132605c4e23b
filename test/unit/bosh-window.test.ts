/** The request window of a BOSH session: sending, receiving, order, repeats, acks (XEP-0124 §8, §9, §14). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Said, WindowRig } from './bosh-window-rig.ts'

describe('§7.2: the session request', () => {
  test('its answer is the one that says how the session will be (§7.2), and carries what is there by then', () => {
    const rig = new WindowRig()
    assert.equal(rig.send('a', 100, { stanza: 'open' }), 'created features')
    rig.send('b', 101)
    rig.stanzas('later')
    assert.equal(rig.answers.get('b'), 'later')
  })

  test('a session that is refused at once says so in the answer to the session request', () => {
    const rig = new WindowRig()
    rig.end('host-unknown')
    assert.equal(rig.send('a', 100, { stanza: 'open' }), 'terminate host-unknown')
    assert.deepEqual(rig.delivered, [])
  })
})

describe('§8: sending and receiving', () => {
  test('the connection manager MUST forward the content from different requests in the order specified by their rid (§8, §14.2)', () => {
    const rig = WindowRig.created({ requests: 4, hold: 3 })
    rig.send('d', 103, { stanza: 'third' })
    rig.send('c', 102, { stanza: 'second' })
    assert.deepEqual(rig.delivered, [])
    rig.send('b', 101, { stanza: 'first' })
    assert.deepEqual(rig.delivered, ['first', 'second', 'third'])
  })

  test('it MUST respond to requests in the order specified by their rid, in whatever order they came (§8)', () => {
    const rig = WindowRig.created({ requests: 4, hold: 3 })
    rig.send('d', 103, { stanza: 'x' })
    rig.send('b', 101, { stanza: 'x' })
    rig.send('c', 102, { stanza: 'x' })
    rig.stanzas('1')
    rig.stanzas('2')
    rig.stanzas('3')
    assert.deepEqual(rig.order, ['b', 'c', 'd'])
    assert.deepEqual([...rig.answers.values()].slice(1), ['1', '2', '3'])
  })

  test('a request is held until there is a stanza, and stanzas of one turn leave together (§8)', () => {
    const rig = WindowRig.created()
    assert.equal(rig.send('b', 101), undefined)
    rig.stanzas('1', '2')
    assert.equal(rig.answers.get('b'), '1 2')
  })

  test('a stanza that finds no request waits for the next (§8)', () => {
    const rig = WindowRig.created()
    rig.stanzas('1')
    assert.equal(rig.window.queuedBytes, 1)
    assert.equal(rig.send('b', 101), '1')
    assert.equal(rig.window.queuedBytes, 0)
  })

  test('no more than `hold` requests are kept waiting: the oldest is answered empty (§8)', () => {
    for (const hold of [0, 1, 2, 3]) {
      const rig = WindowRig.created({ requests: 5, hold, polling: 0 })
      for (let rid = 101; rid <= 105; rid++) rig.send(`c${rid}`, rid, { stanza: 'x' })
      assert.equal(rig.window.heldCount, hold)
      assert.deepEqual(rig.order, ['c101', 'c102', 'c103', 'c104', 'c105'].slice(0, 5 - hold))
    }
  })

  test('none waits longer than `wait`: then it is answered with an empty <body/> (§8)', () => {
    const rig = WindowRig.created()
    rig.send('b', 101)
    rig.turn(59_999)
    assert.equal(rig.answers.get('b'), undefined)
    rig.turn(1)
    assert.equal(rig.answers.get('b'), 'empty')
  })

  test('`wait` counts from when a request arrived, also where it came before its turn (§8)', () => {
    const rig = WindowRig.created({ requests: 4, hold: 3 })
    rig.send('c', 102, { stanza: 'x' })
    rig.turn(20_000)
    rig.send('b', 101, { stanza: 'x' })
    rig.turn(39_999)
    assert.deepEqual(rig.order, [])
    rig.turn(1)
    assert.deepEqual(rig.order, ['b', 'c'])
  })

  test('with wait=0 every request is answered at once (§7.1, §12)', () => {
    const rig = WindowRig.created({ wait: 0, hold: 1 })
    assert.equal(rig.send('b', 101, { stanza: 'x' }), 'empty')
  })

  test('what does not fit into one response comes with the next, in order, and a stanza is never split', () => {
    const rig = WindowRig.created({ maxResponseBytes: 5 })
    rig.stanzas('1111', '22', '3333333', '4')
    const got = [101, 102, 103, 104].map(rid => rig.send(`c${rid}`, rid))
    assert.deepEqual(got, ['1111', '22', '3333333', '4'])
  })

  test('an empty request waits in the same way as one with a stanza, and delivers nothing (§8)', () => {
    const rig = WindowRig.created()
    rig.send('b', 101)
    assert.equal(rig.window.heldCount, 1)
    assert.deepEqual(rig.delivered, [])
  })
})

describe('§9: acknowledgements', () => {
  test('a session that acknowledges says so in its first response; one that does not, never (§9.1)', () => {
    assert.equal(WindowRig.created({ acks: true }).answers.get('creation'), 'created ack 100 features')
    const silent = WindowRig.created()
    silent.send('b', 101)
    silent.send('c', 102, { stanza: 'x', ack: 50 })
    assert.equal(silent.answers.get('b'), 'empty')
  })

  test('a response acknowledges the highest rid received, unless that is its own (§9.1)', () => {
    const rig = WindowRig.created({ acks: true })
    rig.send('b', 101)
    rig.send('c', 102, { stanza: 'x' })
    assert.equal(rig.answers.get('b'), 'ack 102')
    rig.stanzas('1')
    assert.equal(rig.answers.get('c'), '1')
  })

  test('a rid beyond a gap is not acknowledged: all lower ones have to have been received (§9.1)', () => {
    const rig = WindowRig.created({ acks: true, requests: 4, hold: 3 })
    rig.send('b', 101, { stanza: 'x' })
    rig.send('d', 103, { stanza: 'x' })
    rig.stanzas('1')
    assert.equal(rig.answers.get('b'), '1')
  })

  /** 101 was answered, but its answer did not arrive; 102 says so, `later` milliseconds afterwards. */
  function lagging(later: number, ack: number | undefined, acks = true): WindowRig {
    const rig = WindowRig.created({ acks })
    rig.send('b', 101, { stanza: 'x' })
    rig.stanzas('1')
    rig.turn(later)
    rig.send('c', 102, ack === undefined ? {} : { ack })
    return rig
  }

  test('an ack that lags is answered at once, with `report` one above it and the `time` since that response (§9.2)', () => {
    assert.equal(lagging(1_500, 100).answers.get('c'), 'report 101 time 1500')
  })

  test('an ack that lags by what may still be on its way is no reason for a report (§9.2)', () => {
    assert.equal(lagging(999, 100).answers.get('c'), undefined)
  })

  test('no ack means that the client has every response (§9.2); one that is up to date, too, and one from the future means nothing', () => {
    assert.equal(lagging(1_500, undefined).answers.get('c'), undefined)
    assert.equal(lagging(1_500, 101).answers.get('c'), undefined)
    assert.equal(lagging(1_500, 5_000).answers.get('c'), undefined)
  })

  test('the ack of a session request is no rid, and a session without acks ignores them (§9.2)', () => {
    assert.equal(WindowRig.created({ acks: true }, { ack: 1 }).answers.get('creation'), 'created ack 100 features')
    assert.equal(lagging(1_500, 100, false).answers.get('c'), undefined)
  })

  test('an ack below what is kept is no crash and no report', () => {
    const rig = WindowRig.created({ acks: true })
    for (let rid = 101; rid < 110; rid++) {
      rig.stanzas('x')
      rig.send(`c${rid}`, rid)
    }
    rig.turn(5_000)
    assert.equal(rig.send('z', 110, { ack: 100 }), undefined)
  })

  test('`time` counts from when the response was last sent: a repeat that fetched it is no news (§9.2)', () => {
    const rig = WindowRig.created({ acks: true })
    rig.send('b', 101, { stanza: 'x' })
    rig.stanzas('1')
    rig.turn(5_000)
    rig.send('b2', 101, { stanza: 'x' })
    rig.turn(500)
    assert.equal(rig.send('c', 102, { ack: 100 }), undefined)
  })
})

describe('§14.2: the window', () => {
  test('a rid is taken up to `requests` above the last one, and put in order (§14.2)', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 })
    assert.equal(rig.send('d', 103, { stanza: 'x' }), undefined)
    assert.equal(rig.window.deferredBytes, 10)
    assert.deepEqual(rig.ends, [])
  })

  test('beyond the window the connection manager MUST terminate the session with item-not-found (§14.2)', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 })
    assert.equal(rig.send('e', 104, { stanza: 'x' }), 'terminate item-not-found')
    assert.deepEqual(rig.ends, ['broken: item-not-found'])
    assert.deepEqual(rig.delivered, [])
    assert.equal(rig.send('b', 101, { stanza: 'x' }), 'terminate item-not-found')
    assert.deepEqual(rig.delivered, [])
  })

  test('the error is the same whether the rid is too large or too small (§14.3)', () => {
    const large = WindowRig.created()
    const small = WindowRig.created()
    assert.equal(small.send('z', 7), large.send('z', 500))
    assert.equal(small.answers.get('z'), 'terminate item-not-found')
  })

  test('a rid up to 2^53-1 is a rid (§14.1)', () => {
    const rig = WindowRig.created()
    assert.equal(rig.send('z', Number.MAX_SAFE_INTEGER), 'terminate item-not-found')
  })

  test('what waits behind a gap is bounded in bytes: beyond, policy-violation', () => {
    const rig = WindowRig.created({ requests: 4, hold: 3 })
    rig.send('d', 103, { stanza: 'x', size: 600 })
    assert.equal(rig.send('e', 104, { stanza: 'y', size: 401 }), 'terminate policy-violation')
    assert.deepEqual(rig.ends, ['broken: policy-violation'])
    assert.equal(rig.window.deferredBytes, 0)
    assert.equal(rig.answers.get('d'), 'empty')
  })

  test('what waited behind a gap does not count any more once the gap is filled', () => {
    const rig = WindowRig.created({ requests: 4, hold: 3 })
    for (let rid = 101; rid < 120; rid += 2) {
      rig.send(`late${rid}`, rid + 1, { stanza: 'x', size: 1_000 })
      rig.send(`c${rid}`, rid, { stanza: 'y', size: 1_000 })
      assert.equal(rig.window.deferredBytes, 0)
      rig.stanzas('1')
      rig.stanzas('2')
    }
    assert.deepEqual(rig.ends, [])
  })
})

describe('§14.3: broken connections', () => {
  test('a rid that was answered gets the same response again, and what it carries now is ignored (§14.3)', () => {
    const rig = WindowRig.created()
    rig.send('b', 101, { stanza: 'once' })
    rig.stanzas('1')
    assert.equal(rig.send('b2', 101, { stanza: 'twice' }), '1')
    assert.equal(rig.send('b3', 101, { terminates: true }), '1')
    assert.deepEqual(rig.delivered, ['once'])
    assert.deepEqual(rig.ends, [])
  })

  test('a rid that is held: the older connection gets a recoverable error, the latest any future response (§14.3, §17.3)', () => {
    const rig = WindowRig.created()
    rig.send('b', 101, { stanza: 'once' })
    rig.send('b2', 101, { stanza: 'once' })
    assert.equal(rig.answers.get('b'), 'error')
    rig.stanzas('1')
    assert.equal(rig.answers.get('b2'), '1')
    assert.deepEqual(rig.delivered, ['once'])
  })

  test('a rid that waits for an earlier one is taken over in the same way, and its first content counts (§14.3)', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 })
    rig.send('c', 102, { stanza: 'once' })
    rig.send('c2', 102, { stanza: 'twice' })
    assert.equal(rig.answers.get('c'), 'error')
    rig.send('b', 101, { stanza: 'first' })
    assert.deepEqual(rig.delivered, ['first', 'once'])
    rig.stanzas('1')
    rig.stanzas('2')
    assert.deepEqual([rig.answers.get('b'), rig.answers.get('c2')], ['1', '2'])
  })

  test('as many responses are kept as there may be requests at once, and the extra one of §11; older ones are item-not-found, and the session goes on (§14.3)', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 })
    for (let rid = 101; rid <= 110; rid++) {
      rig.stanzas(`s${rid}`)
      rig.send(`c${rid}`, rid)
    }
    assert.equal(rig.window.keptCount, 4)
    assert.deepEqual([106, 107, 108, 110].map(rid => rig.send(`again${rid}`, rid)), ['terminate item-not-found', 's107', 's108', 's110'])
    assert.deepEqual(rig.ends, [])
    rig.stanzas('more')
    assert.equal(rig.send('z', 111), 'more')
  })

  test('with acks a response is kept for longer, within bounds, as long as the client says that it lacks it (§14.3)', () => {
    const rig = WindowRig.created({ acks: true })
    const poll = (rid: number, said: Said = {}): string | undefined => {
      rig.stanzas(`s${rid}`)
      return rig.send(`c${rid}`, rid, said)
    }
    for (let rid = 101; rid <= 110; rid++) poll(rid, { ack: 100 })
    assert.equal(rig.send('again', 101), 's101')
    for (let rid = 111; rid <= 130; rid++) poll(rid, { ack: 100 })
    assert.equal(rig.window.keptCount, 12)
    assert.equal(rig.send('too late', 101), 'terminate item-not-found')
    poll(131)
    assert.equal(rig.window.keptCount, 3)
  })

  test('a connection that dies under a held request: stanzas go to the next request, and the repeat is answered at once', () => {
    const rig = WindowRig.created()
    rig.send('b', 101)
    rig.lose('b')
    assert.equal(rig.window.heldCount, 0)
    rig.stanzas('1')
    assert.equal(rig.send('b2', 101), 'empty')
    assert.equal(rig.send('c', 102), '1')
  })

  test('a stanza for a connection that died unnoticed is there for the repeat', () => {
    const rig = WindowRig.created()
    rig.send('b', 101)
    rig.stanzas('1')
    rig.lose('b')
    assert.equal(rig.send('b2', 101), '1')
    assert.equal(rig.send('b3', 101), '1')
  })

  test('of two held requests the younger dies: the older one goes on waiting, and a stanza takes it', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 })
    rig.send('b', 101, { stanza: 'x' })
    rig.send('c', 102, { stanza: 'x' })
    rig.lose('c')
    assert.equal(rig.window.heldCount, 2)
    rig.stanzas('1')
    assert.equal(rig.answers.get('b'), '1')
    assert.equal(rig.send('c2', 102), 'empty')
  })

  test('stanzas are not put into an answer that nobody waits for while there is more than fits into one', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2, maxResponseBytes: 1 })
    rig.send('b', 101, { stanza: 'x' })
    rig.send('c', 102, { stanza: 'x' })
    rig.lose('c')
    rig.stanzas('1', '2')
    assert.equal(rig.answers.get('b'), '1')
    assert.equal(rig.send('d', 103), '2')
    assert.equal(rig.send('c2', 102), 'empty')
  })

  test('a connection that dies behind a gap: the request counts when the gap is filled', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 })
    rig.send('c', 102, { stanza: 'second' })
    rig.lose('c')
    rig.send('b', 101, { stanza: 'first' })
    assert.deepEqual(rig.delivered, ['first', 'second'])
  })

  test('the connection that was let go does not count when it dies at last', () => {
    const rig = WindowRig.created()
    rig.send('b', 101)
    rig.send('b2', 101)
    rig.lose('b')
    rig.stanzas('1')
    assert.equal(rig.answers.get('b2'), '1')
  })
})
