/** Where clients are sent when the gateway stops must make sense to them: `session.see_other_uri`, `session.see_other_host`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goodListener, loadText, mistakeOf } from '../support/config-text.ts'

const session = (key: string, value: string): string => `${goodListener}\n[session]\n${key} = ${JSON.stringify(value)}`

test('see_other_uri is a wss or https URI (RFC 7395 §3.6.1: nothing less secure than what the client has)', async () => {
  for (const uri of ['wss://other.example.org/xmpp-websocket', 'https://other.example.org:5281/http-bind', 'wss://[2001:db8::1]:443/?a=b']) {
    assert.equal((await loadText(session('see_other_uri', uri))).session.see_other_uri, uri)
  }
  for (const uri of ['ws://other.example.org/', 'http://other.example.org/', 'other.example.org', 'wss://user:secret@other.example.org/', 'wss://other.example.org/#a',
    'wss://other.example.org/a b', 'javascript:alert(1)', '/xmpp-websocket']) {
    assert.equal((await mistakeOf(session('see_other_uri', uri))).path, 'session.see_other_uri', uri)
  }
})

test('see_other_host is a domainpart, or one and a port (RFC 6120 §4.9.3.19)', async () => {
  for (const host of ['other.example.org', 'other.example.org:5223', '192.0.2.7:5222', '[2001:db8::1]', '[2001:db8::1]:5222']) {
    assert.equal((await loadText(session('see_other_host', host))).session.see_other_host, host)
  }
  for (const host of ['xmpp://other.example.org', 'other.example.org:', 'other.example.org:0', 'other.example.org:65536', '2001:db8::1', 'a@b', 'other example', ':5222', '[x]:1']) {
    assert.equal((await mistakeOf(session('see_other_host', host))).path, 'session.see_other_host', host)
  }
})
