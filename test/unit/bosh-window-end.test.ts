/** The request window of a BOSH session: terminating, keys, errors (XEP-0124 §13, §15, §17). */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { WindowRig } from './bosh-window-rig.ts'

describe('§13: terminating', () => {
  test('stanzas of the request to terminate are forwarded first; the oldest connection gets the acknowledgement, the others an empty <body/> (§13)', () => {
    const rig = WindowRig.created({ requests: 4, hold: 3 })
    rig.send('b', 101, { stanza: 'x' })
    rig.send('c', 102, { stanza: 'x' })
    assert.equal(rig.send('d', 103, { terminates: true, stanza: 'bye' }), 'empty')
    assert.deepEqual([rig.answers.get('b'), rig.answers.get('c')], ['terminate', 'empty'])
    assert.deepEqual(rig.delivered, ['x', 'x', 'bye'])
    assert.deepEqual(rig.ends, ['terminated'])
  })

  test('nothing is taken behind a request to terminate', () => {
    const rig = WindowRig.created({ requests: 4, hold: 3 })
    rig.send('c', 102, { stanza: 'behind' })
    assert.equal(rig.send('b', 101, { terminates: true, stanza: 'bye' }), 'terminate')
    assert.equal(rig.answers.get('c'), 'empty')
    assert.deepEqual(rig.delivered, ['bye'])
    rig.send('d', 103, { stanza: 'behind' })
    assert.deepEqual(rig.delivered, ['bye'])
    const slow = new WindowRig({}, false)
    slow.send('a', 100, { terminates: true, stanza: 'bye' })
    assert.equal(slow.send('b', 101, { stanza: 'behind' }), 'terminate item-not-found')
    assert.deepEqual(slow.delivered, ['bye'])
  })

  test('the end from above comes behind everything that is queued, on the oldest connection', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 })
    rig.send('b', 101, { stanza: 'x' })
    rig.send('c', 102, { stanza: 'x' })
    rig.window.enqueue(Buffer.from('last'))
    rig.end('remote-stream-error', 'error')
    assert.deepEqual([rig.answers.get('b'), rig.answers.get('c')], ['terminate remote-stream-error last error', 'empty'])
    assert.deepEqual(rig.ends, [])
  })

  test('an end that finds no request is told to the next one, with all that was queued', () => {
    const rig = WindowRig.created()
    rig.stanzas('1')
    rig.end('system-shutdown', '2')
    rig.stanzas('never')
    assert.equal(rig.send('b', 101, { stanza: 'unheard' }), 'terminate system-shutdown 1 2')
    assert.equal(rig.send('c', 102), 'terminate item-not-found')
    assert.deepEqual(rig.delivered, [])
  })

  test('a request that waits behind a gap when the session ends is answered empty, and the gap is told the end', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 })
    rig.send('c', 102, { stanza: 'x' })
    rig.end('system-shutdown')
    assert.equal(rig.answers.get('c'), 'empty')
    assert.equal(rig.send('b', 101, { stanza: 'x' }), 'terminate system-shutdown')
    assert.deepEqual(rig.delivered, [])
  })

  test('after the end repeats are served until the inactivity period is over, which they do not prolong', () => {
    const rig = WindowRig.created()
    rig.send('b', 101)
    rig.end('system-shutdown', 'bye')
    rig.turn(20_000)
    assert.equal(rig.send('b2', 101), 'terminate system-shutdown bye')
    rig.turn(9_999)
    assert.equal(rig.send('b3', 101), 'terminate system-shutdown bye')
    rig.turn(1)
    assert.deepEqual(rig.ends, ['expired'])
    assert.equal(rig.send('b4', 101), 'terminate item-not-found')
  })

  test('who hears of the end late has a whole inactivity period to hear it again', () => {
    const rig = WindowRig.created()
    rig.end(null)
    rig.turn(29_999)
    assert.equal(rig.send('b', 101), 'terminate')
    rig.turn(29_999)
    assert.equal(rig.send('b2', 101), 'terminate')
    rig.turn(1)
    assert.deepEqual(rig.ends, ['expired'])
  })

  test('a session ends once', () => {
    const rig = WindowRig.created()
    rig.end('system-shutdown')
    rig.end('internal-server-error')
    assert.equal(rig.send('b', 101), 'terminate system-shutdown')
  })
})

describe('§15: key sequencing', () => {
  // hashed('k3') is 'sha1(k3)': the newkey of a session is what the key of its second request hashes to.
  const first = { newkey: 'sha1(sha1(k1))' }

  test('each key hashes to the one before, the first to `newkey` (§15.4)', () => {
    const rig = WindowRig.created({}, first)
    rig.send('b', 101, { key: 'sha1(k1)', stanza: '1' })
    rig.send('c', 102, { key: 'k1', stanza: '2' })
    assert.deepEqual([rig.delivered, rig.ends], [['1', '2'], []])
  })

  test('at the end of a sequence `newkey` starts another (§15.5)', () => {
    const rig = WindowRig.created({}, first)
    rig.send('b', 101, { key: 'sha1(k1)', newkey: 'sha1(other)', stanza: '1' })
    rig.send('c', 102, { key: 'other', stanza: '2' })
    assert.deepEqual([rig.delivered, rig.ends], [['1', '2'], []])
    assert.equal(rig.send('d', 103, { key: 'k1', stanza: '3' }), 'terminate item-not-found')
  })

  for (const [name, said] of [['a wrong key', { key: 'guess' }], ['no key', {}], ['only a newkey', { newkey: 'sha1(mine)' }]] as const) {
    test(`${name}: the element MUST NOT be processed, the session MUST be terminated, with item-not-found (§15.4)`, () => {
      const rig = WindowRig.created({}, first)
      rig.send('b', 101, { key: 'sha1(k1)', stanza: '1' })
      assert.equal(rig.send('c', 102, { ...said, stanza: 'forged' }), 'terminate item-not-found')
      assert.deepEqual([rig.delivered, rig.ends], [['1'], ['broken: item-not-found']])
      assert.equal(rig.answers.get('b'), 'terminate other-request')
    })
  }

  test('keys are checked in rid order, not in order of arrival (§15.4)', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 }, first)
    rig.send('c', 102, { key: 'k1', stanza: '2' })
    rig.send('b', 101, { key: 'sha1(k1)', stanza: '1' })
    assert.deepEqual([rig.delivered, rig.ends], [['1', '2'], []])
  })

  test('a repeat shows the key of the original, whether that is answered, held or waiting; another key gets nothing of it and ends the session (§15.4)', () => {
    const create = (): WindowRig => WindowRig.created({ requests: 3, hold: 2 }, first)
    const secret = { key: 'sha1(k1)', stanza: 'x' }
    const situations: Record<string, (rig: WindowRig) => void> = {
      answered: rig => { rig.send('b', 101, secret); rig.stanzas('secret') },
      held: rig => { rig.send('b', 101, secret) },
      waiting: rig => { rig.send('b', 102, secret) },
    }
    for (const [name, arrange] of Object.entries(situations)) {
      const rid = name === 'waiting' ? 102 : 101
      const good = create()
      arrange(good)
      assert.equal(good.send('b2', rid, secret), name === 'answered' ? 'secret' : undefined, name)
      assert.deepEqual(good.ends, [], name)
      for (const key of ['guess', undefined]) {
        const rig = create()
        arrange(rig)
        assert.equal(rig.send('thief', rid, key === undefined ? {} : { key }), 'terminate item-not-found', name)
        assert.deepEqual(rig.ends, ['broken: item-not-found'], name)
      }
    }
  })

  test('the end of a session is told to who has the next key, and again to who repeats it', () => {
    const rig = WindowRig.created({}, first)
    rig.stanzas('secret')
    rig.end(null)
    assert.equal(rig.send('thief', 101, { key: 'guess' }), 'terminate item-not-found')
    assert.equal(rig.send('b', 101, { key: 'sha1(k1)' }), 'terminate secret')
    assert.equal(rig.send('thief2', 101, { key: 'guess' }), 'terminate item-not-found')
    assert.equal(rig.send('b2', 101, { key: 'sha1(k1)' }), 'terminate secret')
  })
})

describe('§17: errors', () => {
  test('other-request: another request being processed at the same time caused the session to terminate (§17.2)', () => {
    const rig = WindowRig.created({ requests: 3, hold: 2 })
    rig.send('b', 101, { stanza: 'x' })
    rig.send('c', 102, { stanza: 'x' })
    assert.equal(rig.send('z', 200), 'terminate item-not-found')
    assert.deepEqual([rig.answers.get('b'), rig.answers.get('c')], ['terminate other-request', 'empty'])
    assert.deepEqual(rig.order, ['b', 'c', 'z'])
  })

  test('a session that broke is over at once: nothing is told or taken but repeats', () => {
    const rig = WindowRig.created()
    rig.stanzas('1')
    rig.send('z', 200)
    assert.equal(rig.send('b', 101, { stanza: 'x' }), 'terminate item-not-found')
    assert.equal(rig.send('again', 100), 'created features')
    rig.turn(30_000)
    assert.deepEqual(rig.ends, ['broken: item-not-found', 'expired'])
    assert.deepEqual(rig.delivered, [])
  })

  test('what was in order before the request that broke the session is delivered, what comes after it is not', () => {
    const rig = WindowRig.created({ requests: 4, hold: 3 })
    rig.send('d', 103, { stanza: 'after' })
    rig.send('c', 102, { pause: 999_999 })
    rig.send('b', 101, { stanza: 'before' })
    assert.deepEqual(rig.delivered, ['before'])
    assert.deepEqual(rig.ends, ['broken: policy-violation'])
    assert.deepEqual([rig.answers.get('b'), rig.answers.get('c'), rig.answers.get('d')], ['terminate other-request', 'terminate policy-violation', 'empty'])
  })
})
