import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OriginPolicy } from '../../plugins/origin-policy.ts'

test('a page\'s own origin is that of the very request\'s host, whatever the request before it said', () => {
  const policy = new OriginPolicy(['https://chat.example.org'], true)
  const own = 'https://xmpp.example.org'
  for (let round = 0; round < 2; round++) {
    assert.equal(policy.judge(own, 'xmpp.example.org'), 'same-origin')
    assert.equal(policy.judge(own, 'XMPP.example.org:443'), 'same-origin')
    assert.equal(policy.judge(own, 'other.example.org'), 'refused')
    assert.equal(policy.judge(own, undefined), 'refused')
    assert.equal(policy.judge(own, 'xmpp.example.org/path'), 'refused')
    assert.equal(policy.judge('null', ''), 'refused')
    assert.equal(policy.judge('https://chat.example.org', 'xmpp.example.org'), 'listed')
    assert.equal(policy.judge(undefined, 'xmpp.example.org'), 'no-origin')
  }
})
