// The rules of listeners behind proxies: who may forward is named exactly, and what is forwarded is verified against something.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { plainFingerprint, trustedAddresses } from '../../src/config/check-forwarding.ts'
import { canonicalAddress, readAddressRange } from '../../src/config/ip-address.ts'
import { goodListener, loadText, mistakeOf } from '../support/config-text.ts'

const plain = (lines: string) => `[[listen.http]]\n${lines}`
const behind = (lines: string) => plain(`trusted_proxies = ["127.0.0.1"]\n${lines}`)
const listener = (lines: string) => `${goodListener}${lines}`
const fingerprint = 'AB'.repeat(32)

const rules: readonly (readonly [name: string, toml: string, path: string, found: RegExp, remedy: RegExp])[] = [
  ['an address that is none', plain('trusted_proxies = ["proxy.example.org"]'), 'trusted_proxies[0]', /"proxy\.example\.org"/, /Names are not looked up/],
  ['a range with bits after its prefix', plain('trusted_proxies = ["127.0.0.1", "10.1.2.3/8"]'), 'trusted_proxies[1]', /10\.1\.2\.3\/8/, /"10\.0\.0\.0\/8"/],
  ['a range of IPv6 with bits after its prefix', plain('trusted_proxies = ["2001:db8::1/32"]'), 'trusted_proxies[0]', /2001/, /"2001:db8::\/32"/],
  ['a prefix that is too long', plain('trusted_proxies = ["10.0.0.0/33"]'), 'trusted_proxies[0]', /33/, /at most 32/],
  ['everybody', plain('trusted_proxies = ["0.0.0.0/0"]'), 'trusted_proxies[0]', /0\.0\.0\.0\/0/, /the proxies alone/],
  ['everybody in IPv6', plain('trusted_proxies = ["::/0"]'), 'trusted_proxies[0]', /::\/0/, /the proxies alone/],
  ['half of everybody', plain('trusted_proxies = ["128.0.0.0/1"]'), 'trusted_proxies[0]', /128/, /the proxies alone/],
  ['an IPv4 address in IPv6', plain('trusted_proxies = ["::ffff:10.0.0.1"]'), 'trusted_proxies[0]', /::ffff/, /10\.0\.0\.1/],
  ['"unix" without a socket', plain('trusted_proxies = ["unix"]'), 'trusted_proxies[0]', /without a socket/, /Set socket/],
  ['a dialect without a proxy', listener('forwarded_certificate = "xfcc"'), 'forwarded_certificate', /no proxy is trusted/, /trusted_proxies/],
  ['a dialect that nobody knows', behind('forwarded_certificate = "ngnix"\ntls.cacertfile = "a"'), 'forwarded_certificate', /"ngnix"/, /"nginx"\?/],
  ['a dialect without CAs', behind('forwarded_certificate = "nginx"'), 'tls.cacertfile', /nothing/, /verified against it/],
  ['a dialect with tls but without CAs', behind('forwarded_certificate = "nginx"\ntls.require_certificate = true'), 'tls.cacertfile', /nothing/, /cacertfile/],
  ['a dialect with verify_mode none', behind('forwarded_certificate = "nginx"\ntls.verify_mode = "none"'), 'tls.verify_mode', /beside forwarded_certificate/, /cacertfile/],
  ['CAs of a plain listener without a dialect', behind('tls.cacertfile = "a"'), 'tls.certfile', /without a certificate/, /Set tls\.certfile/],
  ['a certificate without its key', behind('forwarded_certificate = "nginx"\ntls.cacertfile = "a"\ntls.certfile = "b"'), 'tls.keyfile', /beside a certfile/, /keyfile/],
  ['ciphers of a listener without TLS', behind('forwarded_certificate = "nginx"\ntls.cacertfile = "a"\ntls.ciphers = "HIGH"'), 'tls.ciphers', /without TLS/, /Remove/],
  ['a fingerprint that is none', listener('trusted_proxy_certificates = ["AB:CD"]'), 'trusted_proxy_certificates[0]', /AB:CD/, /openssl x509/],
  ['a fingerprint of half colons', listener(`trusted_proxy_certificates = ["AB:${'AB'.repeat(31)}"]`), 'trusted_proxy_certificates[0]', /AB:AB/, /openssl x509/],
  ['proxy certificates without TLS', plain(`trusted_proxy_certificates = ["${fingerprint}"]`), 'trusted_proxy_certificates', /without TLS/, /tls\.certfile/],
  ['proxy certificates that nobody asks for', listener(`trusted_proxy_certificates = ["${fingerprint}"]\ntls.verify_mode = "none"`), 'trusted_proxy_certificates',
    /asks for no certificate/, /verify_mode/],
  ['a socket beside a port', plain('socket = "s"\nport = 1\ntrusted_proxies = ["unix"]'), 'socket', /beside ip or port/, /two listeners/],
  ['a socket whose peers nobody trusts', plain('socket = "s"'), 'socket', /nobody trusts/, /trusted_proxies = \["unix"\]/],
  ['a socket that only addresses may use', plain('socket = "s"\ntrusted_proxies = ["127.0.0.1"]'), 'socket', /nobody trusts/, /"unix"/],
  ['a path that is too long for a socket', plain(`socket = "${'s'.repeat(100)}"\ntrusted_proxies = ["unix"]`), 'socket', /sss/, /shorter/],
]

describe('a mistake about proxies names the key, what was found and the remedy', () => {
  for (const [name, toml, path, found, remedy] of rules) {
    test(name, async () => {
      const mistake = await mistakeOf(toml)
      assert.equal(mistake.path, `listen.http[0].${path}`)
      assert.match(mistake.found, found)
      assert.match(mistake.remedy ?? '', remedy)
    })
  }
  test('two listeners do not share a socket', async () => {
    const socket = plain('socket = "s"\ntrusted_proxies = ["unix"]\n')
    assert.equal((await mistakeOf(`${socket}${socket}`)).path, 'listen.http[1].socket')
  })
})

test('plain HTTP may be spoken on any address to trusted proxies, and on a socket', async () => {
  const config = await loadText(`${plain('ip = "0.0.0.0"\ntrusted_proxies = ["10.0.0.0/8", "fd00::/8"]\n')}${plain('socket = "s"\ntrusted_proxies = ["unix", "10.0.0.1"]')}`)
  assert.match(config.listen.http[1]!.socket!, /^\/.*\/s$/)
})

test('sockets take no port, so they collide with no listener', async () => {
  await loadText(`${plain('socket = "s"\ntrusted_proxies = ["unix"]\n')}${plain('socket = "t"\ntrusted_proxies = ["unix"]\n')}${goodListener}`)
})

test('TLS between proxy and gateway stands beside a dialect', async () => {
  const { listen } = await loadText(listener(`forwarded_certificate = "haproxy"\ntrusted_proxy_certificates = ["${fingerprint.match(/../g)!.join(':')}"]`))
  assert.equal(listen.http[0]?.forwarded_certificate, 'haproxy')
})

test('a fingerprint counts with colons or without, in either case', () => {
  const plainText = 'ab'.repeat(32)
  for (const text of [fingerprint, plainText, fingerprint.match(/../g)!.join(':')]) assert.equal(plainFingerprint(text), plainText)
})

test('an address belongs to a range by its bits, in whatever spelling it comes', () => {
  const { addresses, unix } = trustedAddresses(['10.0.0.0/8', '192.168.0.128/25', '2001:db8::/33', '::1', 'unix'])
  const inside = ['10.255.0.1', '192.168.0.200', '2001:db8:7fff::1', '::1', '::ffff:10.0.0.1', '0:0::1', '2001:DB8::1']
  const outside = ['11.0.0.1', '192.168.0.127', '2001:db8:8000::1', '::2', '::ffff:11.0.0.1', '::10.0.0.1', '', 'unix', 'unknown', '10.0.0.1.', '10.0.0']
  assert.deepEqual(inside.filter(address => !addresses.has(canonicalAddress(address))), [])
  assert.deepEqual(outside.filter(address => addresses.has(canonicalAddress(address))), [])
  assert.equal(unix, true)
})

test('widest networks that are private are ranges, wider ones are not', () => {
  for (const text of ['10.0.0.0/8', 'fc00::/7', '0.1.2.3']) assert.ok(!('remedy' in readAddressRange(text)), text)
  for (const text of ['10.0.0.0/7', 'fc00::/6', '0.0.0.0', '::', '0.0.0.0/8', '/8', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', 'fe80::1%eth0', '0x7f.1', '1.2.3']) assert.ok('remedy' in readAddressRange(text), text)
})
