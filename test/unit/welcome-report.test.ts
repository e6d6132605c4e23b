/** What the welcome page says of a visitor: the facts, the verdict in words, and the log-in that would come of it. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { preferredRepresentation } from '../../plugins/welcome/representation.ts'
import { requestedHost } from '../../plugins/welcome/requested-host.ts'
import { visible } from '../../plugins/welcome/visible.ts'
import { plainText } from '../../plugins/welcome/plain-text.ts'
import type { VisitorReport } from '../../plugins/welcome/visitor-report.ts'
import { accepted, day, exampleNet, expired, hostNamed, now, reportOf } from '../support/welcome-visitor.ts'

const exampleOrg = hostNamed('example.org')

function login(report: VisitorReport, host = 'example.net') {
  const found = report.logins.find(login => login.host === host)
  assert.ok(found)
  return found
}

describe('the log-in that would come of it', () => {
  test('one xmppAddr of a served host is the user, without any authzid', async () => {
    const report = await reportOf({ verdict: accepted({ xmppAddrs: ['alice@example.net'] }), hosts: [exampleNet, exampleOrg] })
    assert.deepEqual(login(report), {
      host: 'example.net', isOffered: true, users: [{ jid: 'alice@example.net', authzid: null }], obstacle: null, takesAnyName: false,
    })
    assert.equal(report.summary.headline, 'You log in as alice@example.net')
    assert.equal(report.summary.tone, 'good')
    const other = login(report, 'example.org')
    assert.equal(other.isOffered, false)
    assert.deepEqual(other.users, [])
    assert.deepEqual(other.obstacle, { condition: 'not-authorized',
      text: 'The XMPP address alice@example.net of the certificate is not a user of example.org.' })
  })

  test('with several xmppAddrs the users are listed with the authzid to send, and those of other hosts are not among them', async () => {
    const report = await reportOf({ verdict: accepted({ xmppAddrs: ['alice@example.net', 'bob@example.net', 'alice@elsewhere.example'] }) })
    assert.deepEqual(login(report).users, [
      { jid: 'alice@example.net', authzid: 'alice@example.net' }, { jid: 'bob@example.net', authzid: 'bob@example.net' },
    ])
    assert.equal(login(report).obstacle?.condition, 'invalid-authzid')
    assert.equal(report.summary.headline, 'You may log in as one of 2 users')
  })

  test('a common name is no user where sasl_external is standard, and is one where it is common_name', async () => {
    const verdict = accepted({ commonNames: ['alice'] })
    const refused = await reportOf({ verdict })
    assert.deepEqual(login(refused).users, [])
    assert.equal(refused.summary.label, 'Certificate accepted, but no user')
    assert.match(refused.summary.explanation, /no XMPP address and one common name/)
    assert.ok(refused.summary.remedies.some(remedy => remedy.includes('common_name')))
    const mapped = await reportOf({ verdict, hosts: [hostNamed('example.net', { modes: ['standard', 'common_name'] })] })
    assert.equal(login(mapped).users[0]?.jid, 'alice@example.net')
  })

  test('auth_id takes the client\'s word, and the report says that it has to give it', async () => {
    const report = await reportOf({ verdict: accepted({}), hosts: [hostNamed('example.net', { modes: ['auth_id'] })] })
    assert.equal(login(report).takesAnyName, true)
    assert.match(report.summary.explanation, /send an authorization identity/)
  })

  test('what a backend says stays in the log: the report only tells that it refused', async () => {
    const host = hostNamed('example.net', { judge: () => ({ ok: false, condition: 'account-disabled', reason: 'row 17 of table users' }) })
    const report = await reportOf({ verdict: accepted({ xmppAddrs: ['alice@example.net'] }), hosts: [host] })
    assert.equal(login(report).obstacle?.condition, 'account-disabled')
    assert.doesNotMatch(JSON.stringify(report), /row 17/)
  })

  test('no more than 20 addresses of a certificate are tried and shown', async () => {
    let asked = 0
    const host = hostNamed('example.net', { judge: () => { asked += 1; return { ok: true } } })
    const xmppAddrs = Array.from({ length: 300 }, (_, index) => `user${index}@example.net`)
    const report = await reportOf({ verdict: accepted({ xmppAddrs }), hosts: [host] })
    assert.equal(asked, 20)
    assert.equal(report.certificate?.xmppAddrs.length, 20)
    assert.equal(report.certificate?.furtherAddresses, 280)
  })

  test('a host without the mechanism external says so', async () => {
    const report = await reportOf({ verdict: accepted({ xmppAddrs: ['alice@example.net'] }), hosts: [hostNamed('example.net', { mechanisms: [] })] })
    assert.equal(login(report).isOffered, false)
    assert.match(login(report).obstacle?.text ?? '', /auth\.sasl_mechanisms/)
  })
})

describe('the verdict in words', () => {
  test('a refused certificate is shown, with the reason, its text and the condition that a log-in gets', async () => {
    const report = await reportOf({ verdict: expired })
    assert.equal(report.summary.label, 'Certificate refused: expired')
    assert.equal(report.summary.tone, 'bad')
    assert.equal(report.verdict.reason, 'expired')
    assert.equal(report.certificate?.validity, 'expired 3 days ago')
    assert.equal(report.certificate?.daysLeft, -3)
    assert.equal(login(report).obstacle?.condition, 'credentials-expired')
    assert.deepEqual(login(report).users, [])
  })

  test('no certificate where one was asked for is told apart from a listener that asks for none, and from plain HTTP', async () => {
    const asked = await reportOf({ verdict: { kind: 'none' } })
    const notAsked = await reportOf({ verdict: { kind: 'none' }, verifyMode: 'none' })
    const plain = await reportOf({ verdict: { kind: 'none' }, verifyMode: 'none', tlsVersion: null })
    assert.equal(asked.summary.label, 'No certificate')
    assert.equal(notAsked.summary.headline, 'This listener does not ask for certificates')
    assert.match(notAsked.summary.explanation, /verify_mode is "none"/)
    assert.match(plain.summary.explanation, /plain HTTP/)
    assert.equal(plain.listener.endpoints.websocket, 'ws://gate.example.net:5285/xmpp-websocket')
  })

  test('a certificate that ends within two weeks asks to be renewed', async () => {
    const report = await reportOf({ verdict: accepted({ xmppAddrs: ['alice@example.net'], notAfter: now + 5 * day }) })
    assert.equal(report.summary.tone, 'attention')
    assert.equal(report.summary.label, 'Certificate accepted, ending soon')
    assert.deepEqual(report.summary.remedies, ['Renew the certificate soon: 5 days left.'])
  })

  test('the fingerprint has colons, the dates are ISO 8601, the endpoints are spelt as the visitor spelt the host', async () => {
    const { certificate, listener, time } = await reportOf({ verdict: accepted({ notBefore: 0 }) })
    assert.match(certificate?.fingerprint256 ?? '', /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    assert.equal(certificate?.notBefore, '1970-01-01T00:00:00.000Z')
    assert.equal(time, new Date(now).toISOString())
    assert.deepEqual(listener.endpoints, {
      websocket: 'wss://gate.example.net:5285/xmpp-websocket',
      bosh: 'https://gate.example.net:5285/http-bind',
      discovery: 'https://gate.example.net:5285/.well-known/host-meta.json',
      module: 'https://gate.example.net:5285/meerkat.js',
    })
  })

  test('a listener without WebSocket has no such endpoint', async () => {
    const report = await reportOf({ verdict: { kind: 'none' }, websocketPath: null })
    assert.equal(report.listener.endpoints.websocket, null)
    assert.match(plainText(report), /WebSocket +off/)
  })
})

describe('what strangers chose', () => {
  test('controls, invisible and direction-changing characters are written out, also in the plain text', async () => {
    const name = 'a\u001b[2Jb\u202ec\u200bd\u2028e\ud800'
    assert.equal(visible(name), 'a\\u{1B}[2Jb\\u{202E}c\\u{200B}d\\u{2028}e\\u{D800}')
    const report = await reportOf({ verdict: accepted({ commonNames: [name], subject: `CN=${name}`, issuer: `CN=${name}` }) })
    assert.doesNotMatch(plainText(report), /[^\P{C}\n]/u)
    assert.doesNotMatch(JSON.stringify(report), /[\u001b\u202e\u200b]/)
  })

  test('what is too long is cut, never in the middle of a character', () => {
    assert.equal(visible('x'.repeat(5_000)).length, 401)
    assert.equal(visible(`${'x'.repeat(399)}😀😀`), `${'x'.repeat(399)}…`)
  })

  test('a Host header that is no host is not repeated', async () => {
    for (const header of ['a b', 'a"b', 'a;script-src *', 'user@host', 'host/path', '[::1', 'host:123456', '', undefined, 'x'.repeat(300)]) {
      assert.equal(requestedHost(header), null, String(header))
    }
    for (const header of ['localhost', 'gate.example.net:5285', '[::1]:5285', '127.0.0.1']) assert.equal(requestedHost(header), header)
    const report = await reportOf({ verdict: { kind: 'none' }, requestedHost: null })
    assert.equal(report.listener.endpoints.websocket, '/xmpp-websocket')
  })
})

describe('which form the visitor wants (RFC 9110 §12.5.1)', () => {
  const cases = [
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'html'],
    ['curl', '*/*', 'text'],
    ['nobody says', undefined, 'text'],
    ['a program', 'application/json', 'json'],
    ['axios', 'application/json, text/plain, */*', 'json'],
    ['plain text rather than HTML', 'text/html;q=0.5, text/plain', 'text'],
    ['anything but HTML', 'text/html;q=0, */*', 'text'],
    ['other types', 'image/png', 'text'],
    ['nonsense', ';;,q=,text/html;q=x', 'text'],
  ] as const
  for (const [who, accept, expected] of cases) {
    test(`${who}: ${accept ?? 'no Accept header'} is answered with ${expected}`, () => { assert.equal(preferredRepresentation(accept), expected) })
  }
})
