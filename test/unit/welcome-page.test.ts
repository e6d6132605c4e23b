/** The welcome page over HTTP: escaping, headers, negotiation, and the files for browsers. */

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import Fastify from 'fastify'

import { registerCrossOrigin } from '../../plugins/cross-origin.ts'
import { Peers } from '../../plugins/peer.ts'
import { OriginPolicy } from '../../plugins/origin-policy.ts'
import { welcomePage } from '../../plugins/welcome-page.ts'
import { html } from '../../plugins/welcome/page/html.ts'
import { welcomeMarkup } from '../../plugins/welcome/page/page.ts'
import { fixedPaths } from '../../src/config/listen-http.ts'
import type { CertificateVerdict } from '../../src/x509/verdict.ts'
import { accepted, certificateOf, exampleNet, hostNamed, now, reportOf } from '../support/welcome-visitor.ts'

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', host: 'gate.example.net:5285' }

function serve(verdict: CertificateVerdict) {
  const server = Fastify()
  after(() => server.close())
  // As src/app.ts has it: what other origins may read is one rule for all paths.
  void registerCrossOrigin(server, { origins: new OriginPolicy([], true), peers: new Peers({ of: () => () => verdict }) })
  server.register(welcomePage, {
    hosts: [exampleNet], verifyMode: 'peer', websocketPath: '/xmpp-websocket', boshPath: '/http-bind', peers: new Peers({ of: () => () => verdict }),
    software: { name: 'Meerkat', version: '1.2.3' }, clock: { now: () => now },
  })
  return server
}

const alice = accepted({ xmppAddrs: ['alice@example.net'], commonNames: ['Alice'] })

/** Every tag of the markup. */
const tagsOf = (markup: string) => [...markup.matchAll(/<([a-z]+)/g)].map(([, name]) => name)

describe('escaping', () => {
  const hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>\'&amp;${7*7}'
  const refused = (text: string): CertificateVerdict => ({ kind: 'refused', reason: 'untrusted', text, certificate: certificateOf({
    subject: `CN=${hostile}`, issuer: `CN=${hostile}`, commonNames: [hostile], serialNumber: hostile,
  }) })

  test('a hostile subject, issuer, common name or text adds no element and no attribute to the page', async () => {
    const tame = welcomeMarkup(await reportOf({ verdict: { kind: 'refused', reason: 'untrusted', text: 'No.', certificate: certificateOf({ commonNames: ['x'] }) } }))
    const page = welcomeMarkup(await reportOf({ verdict: refused(hostile) }))
    assert.deepEqual(tagsOf(page).filter(name => name !== 'wbr'), tagsOf(tame).filter(name => name !== 'wbr'))
    assert.doesNotMatch(page, /<script>|<img/)
    assert.ok(page.includes('&#60;script&#62;alert(1)&#60;/script&#62;'))
  })

  test('the template escapes in text and in attributes, numbers and lists included, and leaves its own markup', () => {
    assert.equal(html`<a title="${'"\'<&>'}">${['<', 1, null, html`<b>${'&'}</b>`]}</a>`.toString(),
      '<a title="&#34;&#39;&#60;&#38;&#62;">&#60;1<b>&#38;</b></a>')
  })

  test('a hostile Host header reaches neither the page nor its headers', async () => {
    const response = await serve(alice).inject({ url: '/', headers: { ...browser, host: 'evil"><script>; script-src *' } })
    assert.doesNotMatch(response.body + JSON.stringify(response.headers), /evil/)
  })
})

describe('the page', () => {
  test('tells certificate, log-in, verify mode and endpoints, with landmarks and a live region', async () => {
    const { body, headers } = await serve(alice).inject({ url: '/', headers: browser })
    assert.equal(headers['content-type'], 'text/html; charset=utf-8')
    for (const part of ['You log in as alice@example.net', 'Certificate accepted', 'verify_mode = "peer"', '<main>', '<header>', '<footer>',
      'aria-live="polite"', 'lang="en"', 'data-websocket-path="/xmpp-websocket"', '<noscript>', 'ws://<wbr>gate.example.net:<wbr>5285/<wbr>xmpp-websocket<wbr>']) {
      assert.ok(body.includes(part), part)
    }
  })

  test('offers each user with its authzid, and a field for the name where the client\'s word is taken', async () => {
    const several = welcomeMarkup(await reportOf({ verdict: accepted({ xmppAddrs: ['alice@example.net', 'bob@example.net'] }) }))
    assert.ok(several.includes('<option data-to="example.net" data-authzid="bob@example.net">bob@example.net</option>'))
    const anybody = welcomeMarkup(await reportOf({ verdict: accepted({}), hosts: [hostNamed('example.net', { modes: ['auth_id'] })] }))
    assert.ok(anybody.includes('<option data-to="example.net" data-wants-name>'))
  })

  test('has no try-out on a listener without WebSocket', async () => {
    assert.ok(!welcomeMarkup(await reportOf({ verdict: alice, websocketPath: null })).includes('id="trial"'))
  })

  test('needs nothing inline: no style or event attribute, and no script but the one from here', async () => {
    const page = welcomeMarkup(await reportOf({ verdict: alice }))
    assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=|<style/)
    assert.deepEqual(page.match(/<script[^>]*>/g), ['<script type="module" src="/welcome.js">'])
  })
})

describe('headers', () => {
  test('the page is kept by nobody, framed by nobody, and loads nothing but what is from here', async () => {
    const { headers } = await serve(alice).inject({ url: '/', headers: browser })
    assert.equal(headers['content-security-policy'], 'default-src \'none\'; script-src \'self\'; style-src \'self\'; '
      + 'connect-src \'self\' ws://gate.example.net:5285 wss://gate.example.net:5285; img-src \'self\' data:; '
      + 'base-uri \'none\'; form-action \'none\'; frame-ancestors \'none\'')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
    assert.equal(headers['access-control-allow-origin'], undefined)
  })

  test('every form of the report is protected in the same way', async () => {
    const server = serve(alice)
    const [page, ...others] = await Promise.all(['text/html', 'application/json', '*/*'].map(accept => server.inject({ url: '/', headers: { accept } })))
    for (const { headers } of others) {
      for (const name of ['content-security-policy', 'cache-control', 'x-content-type-options', 'cross-origin-resource-policy']) {
        assert.equal(headers[name], page!.headers[name], name)
      }
    }
  })
})

describe('negotiation', () => {
  test('curl gets plain text with the same facts', async () => {
    const { body, headers } = await serve(alice).inject({ url: '/', headers: { accept: '*/*', host: 'gate.example.net' } })
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8')
    assert.match(body, /^Certificate accepted\. You log in as alice@example\.net\.\n/)
    assert.match(body, /SHA-256 +AB:AB:/)
    assert.match(body, /Log-in at example\.net +alice@example\.net\n/)
  })

  test('a program gets the report as JSON', async () => {
    const { headers, json } = await serve(alice).inject({ url: '/', headers: { accept: 'application/json' } })
    assert.equal(headers['content-type'], 'application/json; charset=utf-8')
    assert.equal(json().logins[0].users[0].jid, 'alice@example.net')
    assert.equal(json().verdict.kind, 'accepted')
  })
})

describe('the files for browsers', () => {
  test('/meerkat.js is a module that a page of any origin may import', async () => {
    const { body, headers } = await serve({ kind: 'none' }).inject({ url: '/meerkat.js', headers: { origin: 'https://chat.example.com' } })
    assert.equal(headers['content-type'], 'text/javascript; charset=utf-8')
    assert.equal(headers['access-control-allow-origin'], '*')
    assert.equal(headers['access-control-allow-credentials'], undefined)
    assert.equal(headers['cross-origin-resource-policy'], 'cross-origin')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cache-control'], 'public, max-age=300')
    const module = await import(`data:text/javascript,${encodeURIComponent(body)}`)
    assert.deepEqual(Object.keys(module).sort(), ['MeerkatError', 'connect', 'discover', 'login', 'warmUp'])
  })

  test('the page\'s own script and style sheet are not for pages of other origins', async () => {
    const server = serve({ kind: 'none' })
    for (const [url, type] of [['/welcome.js', 'text/javascript'], ['/welcome.css', 'text/css']] as const) {
      const { statusCode, headers } = await server.inject(url)
      assert.equal(statusCode, 200)
      assert.equal(headers['content-type'], `${type}; charset=utf-8`)
      assert.equal(headers['access-control-allow-origin'], undefined)
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
    }
  })

  test('no endpoint of a configuration may take a path that the page uses', () => {
    for (const path of ['/', '/meerkat.js', '/welcome.js', '/welcome.css']) assert.ok(fixedPaths.includes(path), path)
  })
})
