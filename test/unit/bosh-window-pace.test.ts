/** The request window of a BOSH session: inactivity, pauses, overactivity, polling (XEP-0124 §10–§12). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pollingLimits, type Said, WindowRig } from './bosh-window-rig.ts'

describe('§10: inactivity', () => {
  test('a session that nobody comes to within the inactivity period ends without a word (§10)', () => {
    const rig = WindowRig.created()
    rig.turn(29_999)
    assert.deepEqual(rig.ends, [])
    rig.turn(1)
    assert.deepEqual(rig.ends, ['expired'])
    assert.deepEqual(rig.order, [])
  })

  test('who comes after that hears what it would hear if there were no session (§10)', () => {
    const rig = WindowRig.created()
    rig.turn(30_000)
    assert.deepEqual([100, 101, 102, 5_000].map(rid => rig.send(`c${rid}`, rid, { stanza: 'x' })), Array(4).fill('terminate item-not-found'))
    assert.deepEqual(rig.delivered, [])
  })

  test('it expires once, and nothing happens after it', () => {
    const rig = WindowRig.created()
    rig.turn(30_000)
    rig.stanzas('late')
    rig.end('system-shutdown')
    rig.lose('creation')
    rig.send('b', 101)
    rig.turn(1_000_000)
    assert.deepEqual(rig.ends, ['expired'])
    assert.equal(rig.window.deadline(), null)
    assert.deepEqual([rig.window.queuedBytes, rig.window.deferredBytes, rig.window.heldCount, rig.window.keptCount], [0, 0, 0, 0])
  })

  test('while a request is held there is no inactivity (§10)', () => {
    const rig = WindowRig.created()
    rig.send('b', 101)
    rig.turn(59_999)
    assert.deepEqual(rig.ends, [])
  })

  test('the period runs from the last response (§10)', () => {
    const rig = WindowRig.created()
    rig.send('b', 101)
    rig.turn(60_000 + 29_999)
    assert.deepEqual(rig.ends, [])
    rig.turn(1)
    assert.deepEqual(rig.ends, ['expired'])
  })

  test('a session lives whose every request is answered at once', () => {
    const rig = WindowRig.created(pollingLimits)
    for (let rid = 101; rid < 120; rid++) {
      rig.turn(50_000)
      assert.equal(rig.send(`c${rid}`, rid), 'empty')
    }
    assert.deepEqual(rig.ends, [])
    const busy = WindowRig.created()
    for (let rid = 101; rid < 120; rid++) {
      busy.turn(20_000)
      busy.stanzas('1')
      assert.equal(busy.send(`c${rid}`, rid), '1')
    }
    assert.deepEqual(busy.ends, [])
  })

  test('a response that is fetched again is a response: the period runs from there', () => {
    const rig = WindowRig.created()
    rig.turn(20_000)
    rig.send('again', 100)
    rig.turn(20_000)
    assert.deepEqual(rig.ends, [])
    assert.equal(rig.send('b', 101), undefined)
  })

  test('a dead connection under a held request frees it, and the period runs from there', () => {
    const rig = WindowRig.created()
    rig.send('b', 101)
    rig.turn(10_000)
    rig.lose('b')
    rig.turn(29_999)
    assert.deepEqual(rig.ends, [])
    rig.turn(1)
    assert.deepEqual(rig.ends, ['expired'])
  })

  test('a request that waits behind a gap which nobody fills is let go with the session', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 })
    rig.turn(29_999)
    rig.send('c', 102, { stanza: 'x' })
    rig.turn(29_999)
    assert.equal(rig.answers.get('c'), undefined)
    rig.turn(1)
    assert.equal(rig.answers.get('c'), 'terminate item-not-found')
    assert.deepEqual([rig.ends, rig.delivered], [['expired'], []])
  })
})

describe('§10: a pause', () => {
  test('all pending requests are answered at once, the pause too, and the period is as long as asked (§10)', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 })
    rig.send('b', 101, { stanza: 'x' })
    rig.send('c', 102, { stanza: 'x' })
    assert.equal(rig.send('d', 103, { pause: 100_000 }), 'empty')
    assert.deepEqual(rig.order, ['b', 'c', 'd'])
    rig.turn(99_999)
    assert.deepEqual(rig.ends, [])
    rig.turn(1)
    assert.deepEqual(rig.ends, ['expired'])
  })

  test('the response to a pause MUST NOT contain any payloads (§10): they wait for the next request', () => {
    const rig = WindowRig.created()
    rig.stanzas('1')
    assert.equal(rig.send('b', 101, { pause: 100_000 }), 'empty')
    rig.stanzas('2')
    rig.turn(90_000)
    assert.equal(rig.send('c', 102), '1 2')
  })

  test('what a client sends along with a pause is forwarded', () => {
    const rig = WindowRig.created()
    assert.equal(rig.send('b', 101, { pause: 100_000, stanza: 'going' }), 'empty')
    assert.deepEqual(rig.delivered, ['going'])
  })

  test('a pause of `maxpause` is granted, a longer one is a policy-violation', () => {
    assert.equal(WindowRig.created().send('b', 101, { pause: 120_000 }), 'empty')
    const rig = WindowRig.created()
    assert.equal(rig.send('b', 101, { pause: 120_001 }), 'terminate policy-violation')
    assert.deepEqual(rig.ends, ['broken: policy-violation'])
  })

  test('the next request sets the period back to normal (§10)', () => {
    const rig = WindowRig.created()
    rig.send('b', 101, { pause: 100_000 })
    rig.stanzas('1')
    rig.send('c', 102)
    rig.turn(30_000)
    assert.deepEqual(rig.ends, ['expired'])
  })

  test('a repeat is no next request: the pause stays, from the repeat on', () => {
    const rig = WindowRig.created()
    rig.send('b', 101, { pause: 100_000 })
    rig.turn(50_000)
    assert.equal(rig.send('b2', 101, { pause: 100_000 }), 'empty')
    rig.turn(99_999)
    assert.deepEqual(rig.ends, [])
    rig.turn(1)
    assert.deepEqual(rig.ends, ['expired'])
  })

  test('a pause may also be shorter than the inactivity period (§10)', () => {
    const rig = WindowRig.created()
    rig.send('b', 101, { pause: 5_000 })
    rig.turn(5_000)
    assert.deepEqual(rig.ends, ['expired'])
  })

  test('who pauses and terminates terminates', () => {
    const rig = WindowRig.created()
    assert.equal(rig.send('b', 101, { pause: 500_000, terminates: true, stanza: 'bye' }), 'terminate')
    assert.deepEqual([rig.delivered, rig.ends], [['bye'], ['terminated']])
  })
})

describe('§11: overactivity', () => {
  /** As many requests as the session allows, and none of them answered: what comes next is the one to be judged. */
  function full(): WindowRig {
    const rig = WindowRig.created({ requests: 2, hold: 2 })
    rig.send('b', 101, { stanza: 'x' })
    rig.send('c', 102, { stanza: 'x' })
    return rig
  }

  test('more new requests than `requests`, and none of them answered: policy-violation (§11)', () => {
    const rig = full()
    assert.equal(rig.send('d', 103, { stanza: 'too many' }), 'terminate policy-violation')
    assert.deepEqual(rig.ends, ['broken: policy-violation'])
    assert.deepEqual(rig.delivered, ['x', 'x'])
  })

  test('the client MAY make one additional request if it is to pause or terminate a session (§11)', () => {
    const pausing = full()
    assert.equal(pausing.send('d', 103, { pause: 60_000 }), 'empty')
    assert.deepEqual([pausing.order, pausing.ends], [['b', 'c', 'd'], []])
    const terminating = full()
    terminating.send('d', 103, { terminates: true, stanza: 'bye' })
    assert.deepEqual([terminating.delivered, terminating.ends], [['x', 'x', 'bye'], ['terminated']])
  })

  test('the additional request may arrive first (§11, §14.2)', () => {
    const rig = WindowRig.created()
    assert.equal(rig.send('d', 103, { terminates: true, stanza: 'bye' }), undefined)
    assert.equal(rig.send('c', 102, { stanza: 'second' }), undefined)
    assert.equal(rig.send('b', 101, { stanza: 'first' }), 'terminate')
    assert.deepEqual(rig.delivered, ['first', 'second', 'bye'])
    assert.deepEqual(rig.ends, ['terminated'])
    assert.deepEqual(rig.order, ['b', 'c', 'd'])
  })

  test('one additional request, not two, and none beyond it (§11)', () => {
    assert.equal(WindowRig.created().send('e', 104, { pause: 60_000 }), 'terminate item-not-found')
    const rig = WindowRig.created()
    rig.send('d', 103, { pause: 60_000 })
    assert.equal(rig.send('e', 104, { stanza: 'x' }), 'terminate item-not-found')
  })

  test('a repeat is not a new request (§11)', () => {
    const rig = full()
    for (let n = 0; n < 20; n++) rig.send(`again${n}`, 101, { stanza: 'x' })
    assert.deepEqual(rig.ends, [])
  })

  /** `requests` unanswered, the last of them this one, `later` milliseconds after the one before. */
  function hasty(said: Said, later: number, polling = 5_000): string[] {
    const rig = WindowRig.created({ polling })
    rig.send('b', 101, { stanza: 'x' })
    rig.turn(later)
    rig.send('c', 102, said)
    return rig.ends
  }

  test('as many as `requests` unanswered, the last one empty and within the polling interval: policy-violation (§11)', () => {
    assert.deepEqual(hasty({}, 4_999), ['broken: policy-violation'])
  })

  test('not so if the last one carries something, pauses, terminates, or comes later, or where there is no interval (§11)', () => {
    assert.deepEqual(hasty({ stanza: 'x' }, 0), [])
    assert.deepEqual(hasty({ pause: 1_000 }, 0), [])
    assert.deepEqual(hasty({ terminates: true }, 0), ['terminated'])
    assert.deepEqual(hasty({}, 5_000), [])
    assert.deepEqual(hasty({}, 0, 0), [])
  })

  test('empty requests that are answered in between may follow each other at once (§11)', () => {
    const rig = WindowRig.created()
    for (let rid = 101; rid < 120; rid++) {
      rig.send(`c${rid}`, rid)
      rig.stanzas('1')
    }
    assert.deepEqual(rig.ends, [])
  })
})

describe('§12: polling sessions', () => {
  for (const [name, limits] of [['hold=0', { ...pollingLimits, wait: 60_000 }], ['wait=0', { ...pollingLimits, hold: 1 }]] as const) {
    test(`${name}: two consecutive empty requests within \`polling\`, the first answered empty: policy-violation (§12)`, () => {
      const rig = WindowRig.created(limits)
      assert.equal(rig.send('b', 101), 'empty')
      rig.turn(4_999)
      assert.equal(rig.send('c', 102), 'terminate policy-violation')
      assert.deepEqual(rig.ends, ['broken: policy-violation'])
    })

    test(`${name}: not so after the interval, after a stanza either way, or for a repeat (§12)`, () => {
      const rig = WindowRig.created(limits)
      rig.send('b', 101)
      rig.turn(5_000)
      assert.equal(rig.send('c', 102), 'empty')
      assert.equal(rig.send('c2', 102), 'empty')
      assert.equal(rig.send('d', 103, { stanza: 'x' }), 'empty')
      assert.equal(rig.send('e', 104), 'empty')
      rig.turn(5_000)
      rig.stanzas('1')
      assert.equal(rig.send('f', 105), '1')
      assert.equal(rig.send('g', 106), 'empty')
      assert.equal(rig.send('h', 107, { pause: 60_000 }), 'empty')
      assert.equal(rig.send('i', 108), 'empty')
      assert.deepEqual(rig.ends, [])
    })
  }

  test('without an interval a client may poll as often as it likes (§12)', () => {
    const rig = WindowRig.created({ ...pollingLimits, polling: 0 })
    for (let rid = 101; rid < 150; rid++) assert.equal(rig.send(`c${rid}`, rid), 'empty')
  })
})
