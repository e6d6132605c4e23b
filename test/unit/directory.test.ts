/** Who is bound: by full JID, and by account. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Directory } from '../../src/session/directory.ts'
import { type FullJid, fullJid } from '../../src/xmpp/jid.ts'
import { bare } from '../support/external-certificate.ts'

const romeo = bare('romeo@example.net')
const entry = (resource: string, account = romeo): { readonly jid: FullJid } => ({ jid: fullJid(account, resource) })

describe('Directory', () => {
  test('finds an entry by its full JID, exactly, and those of an account in the order in which they came', () => {
    const directory = new Directory()
    const [one, two, other] = [entry('one'), entry('two'), entry('one', bare('juliet@example.net'))]
    for (const each of [two, other, one]) directory.add(each)
    assert.equal(directory.get('romeo@example.net/one'), one)
    for (const none of ['romeo@example.net', 'romeo@example.net/ONE', 'ROMEO@example.net/one', '', '__proto__', 'constructor']) {
      assert.equal(directory.get(none), undefined, none)
    }
    assert.deepEqual([...directory.ofAccount(romeo)], [two, one])
    assert.equal(directory.size, 3)
    assert.deepEqual([...directory.values()], [two, other, one])
  })

  test('forgets what is removed, and then the account', () => {
    const directory = new Directory()
    const one = entry('one')
    directory.add(one)
    directory.remove(one)
    directory.remove(one)
    assert.equal(directory.get(one.jid), undefined)
    assert.equal(directory.size, 0)
    assert.deepEqual([...directory.ofAccount(romeo)], [])
  })

  test('removes that very entry: one that took its JID meanwhile stays', () => {
    const directory = new Directory()
    const [older, newer] = [entry('one'), entry('one')]
    directory.add(older)
    directory.add(newer)
    directory.remove(older)
    assert.equal(directory.get('romeo@example.net/one'), newer)
    assert.deepEqual([...directory.ofAccount(romeo)], [newer])
  })

  test('an account that nobody is of has no entries, and cannot be given any through that answer', () => {
    const directory = new Directory()
    assert.equal(directory.ofAccount(romeo).size, 0)
    directory.add(entry('one'))
    assert.equal(directory.ofAccount(bare('juliet@example.net')).size, 0)
  })
})
