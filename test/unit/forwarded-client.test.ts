// Who the client behind a proxy is: X-Forwarded-For, X-Forwarded-Proto and Forwarded (RFC 7239), read from right to left.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { clientHop } from '../../plugins/forwarded/client-hop.ts'
import { forwardedElements } from '../../plugins/forwarded/forwarded-field.ts'
import { ForwardingError } from '../../plugins/forwarded/forwarding-error.ts'
import { TrustedProxies } from '../../plugins/forwarded/trusted-proxies.ts'

const proxies = new TrustedProxies({ trusted_proxies: ['10.0.0.0/8', 'fd00::/8', '127.0.0.1'], trusted_proxy_certificates: [] }, false)
const hop = (...lines: readonly (readonly [string, string])[]) => clientHop(lines.flat(), proxies)
const from = (value: string) => hop(['X-Forwarded-For', value]).address
const refused = (fault: string, ...lines: readonly (readonly [string, string])[]) => {
  assert.throws(() => hop(...lines), (error: unknown) => error instanceof ForwardingError && error.fault === fault, JSON.stringify(lines))
}

describe('who is a proxy', () => {
  const peer = (remoteAddress: string | undefined) => ({ remoteAddress, destroyed: false }) as Socket
  test('an address of the list, in whatever spelling the system has it', () => {
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', 'fd00::1', 'fd00::1%eth0', '127.0.0.1']) assert.ok(proxies.includes(peer(address)), address)
    for (const address of ['11.1.2.3', '::ffff:11.1.2.3', 'fe80::1', '127.0.0.2', '', undefined]) assert.ok(!proxies.includes(peer(address)), String(address))
  })
  test('a peer without an address is one on a Unix socket only: a TCP connection that has gone has none either', () => {
    const unix = { trusted_proxies: ['unix'], trusted_proxy_certificates: [] }
    assert.ok(new TrustedProxies(unix, true).includes(peer(undefined)))
    assert.ok(!new TrustedProxies(unix, false).includes(peer(undefined)))
    assert.ok(!new TrustedProxies({ ...unix, trusted_proxies: ['10.0.0.1'] }, true).includes(peer(undefined)))
  })
  test('one without TLS shows no certificate', () => {
    assert.ok(!new TrustedProxies({ trusted_proxies: ['10.0.0.1'], trusted_proxy_certificates: ['ab'.repeat(32)] }, false).includes(peer('10.0.0.1')))
    assert.ok(!new TrustedProxies({ trusted_proxies: [], trusted_proxy_certificates: ['ab'.repeat(32)] }, false).includes(peer('10.0.0.1')))
  })
})

describe('X-Forwarded-For', () => {
  for (const [value, address] of [
    ['192.0.2.1', '192.0.2.1'], ['192.0.2.9, 192.0.2.1', '192.0.2.1'], ['192.0.2.1, 10.0.0.1, 10.0.0.2', '192.0.2.1'], ['1.1.1.1,10.0.0.3,192.0.2.1,fd00::1', '192.0.2.1'],
    ['10.0.0.1, 10.0.0.2', '10.0.0.1'], ['2001:db8::1', '2001:db8::1'], ['2001:DB8:0::0001', '2001:db8::1'], ['[2001:db8::1]:443', '2001:db8::1'], ['192.0.2.1:51234', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'], ['192.0.2.1, ::ffff:10.0.0.1', '192.0.2.1'], ['192.0.2.1, unknown', 'unknown'], ['192.0.2.1, _hidden', '_hidden'], ['garbage (, 192.0.2.1', '192.0.2.1'],
    [`${'x,'.repeat(5_000)}192.0.2.1`, '192.0.2.1'], ['127.0.0.1,192.0.2.7\t,\t10.1.1.1', '192.0.2.7'],
  ] as const) test(`${value.slice(0, 60)} is ${address}`, () => { assert.equal(from(value), address) })

  for (const value of ['192.0.2.1, x', 'localhost', '192.0.2.1,', '192.0.2.256', '1.2.3', '[192.0.2.1]', '[::1', '::1]', 'fe80::1%eth0', '192.0.2.1 10.0.0.1', '"192.0.2.1"', 'unix', '0x7f000001',
    '127.1', '192.0.2.1:', '-', `_${'a'.repeat(100)}`, 'x, 10.0.0.1']) {
    test(`${value.slice(0, 40)}: where the client's address has to be there is none`, () => { refused('address', ['X-Forwarded-For', value]) })
  }
  test('several lines are one list', () => {
    assert.equal(hop(['x-forwarded-for', '1.1.1.1, 192.0.2.1'], ['Host', 'a'], ['X-Forwarded-For', '10.0.0.1']).address, '192.0.2.1')
    assert.equal(hop(['X-Forwarded-For', '1.1.1.1'], ['X-FORWARDED-FOR', '192.0.2.1']).address, '192.0.2.1')
  })
  test('without a word the proxy says nothing', () => { assert.deepEqual(hop(['Host', 'a'], ['X-Real-IP', '1.1.1.1']), { address: null, secure: null }) })
})

describe('X-Forwarded-Proto', () => {
  for (const [value, secure] of [['https', true], ['wss', true], ['HTTPS', true], ['http', false], ['ws', false], ['https, https', true], ['https, http', false], ['http, https', false]] as const) {
    test(`${value}: ${secure ? 'TLS' : 'no TLS'}`, () => { assert.equal(hop(['X-Forwarded-Proto', value]).secure, secure) })
  }
  for (const value of ['ftp', 'https,', 'on', 'https https', '"https"']) test(`${value} is none`, () => { refused('address', ['X-Forwarded-Proto', value]) })
})

describe('Forwarded (RFC 7239)', () => {
  for (const [value, address, secure] of [
    ['for=192.0.2.1', '192.0.2.1', null], ['For="[2001:db8::1]:4711";proto=https', '2001:db8::1', true], ['for=192.0.2.43, for=198.51.100.17', '198.51.100.17', null],
    ['for=192.0.2.60;proto=http;by=203.0.113.43', '192.0.2.60', false], ['for=192.0.2.1;PROTO=HTTPS,for=10.0.0.1;proto=https', '192.0.2.1', true], ['for=_gazonk', '_gazonk', null], ['for="_SEVKISEK:_p"', '_SEVKISEK', null],
    ['for=unknown', 'unknown', null], ['for="192.0.2.1:80" , for="10.0.0.1:1"', '192.0.2.1', null], ['for=1.1.1.1, by=10.0.0.1, for=192.0.2.1', '192.0.2.1', null],
    ['by="a,for=1.1.1.1";for=192.0.2.1', '192.0.2.1', null], ['for="192\\.0.2.1"', '192.0.2.1', null], ['for=192.0.2.1;proto=https, for=10.0.0.1;proto=http', '192.0.2.1', false],
    ['for=1.1.1.1, proto=https', null, true],
  ] as const) test(value, () => { assert.deepEqual(hop(['Forwarded', value]), { address, secure }) })

  for (const value of ['for', 'for=', 'for=a b', 'for="a', 'for=1.1.1.1;', 'for=1.1.1.1,', ',for=1.1.1.1', 'for=1.1.1.1;for=2.2.2.2', 'for = 1.1.1.1', 'for=[2001:db8::1]', 'for=1.1.1.1 for=2.2.2.2']) {
    test(`${value}: malformed`, () => { refused('malformed', ['Forwarded', value]) })
  }
  test('its quoted strings hold what would divide outside', () => {
    assert.deepEqual(forwardedElements('for="a\\",b";proto=x').map(element => element.for), ['a",b'])
  })
})

describe('both at once', () => {
  test('that say the same are believed', () => {
    assert.deepEqual(hop(['Forwarded', 'for=192.0.2.1;proto=https'], ['X-Forwarded-For', '192.0.2.1'], ['X-Forwarded-Proto', 'https']), { address: '192.0.2.1', secure: true })
  })
  test('that differ are refused: a proxy sets the one and passes on the other as the client wrote it', () => {
    refused('contradictory', ['Forwarded', 'for=1.1.1.1'], ['X-Forwarded-For', '192.0.2.1'])
    refused('contradictory', ['Forwarded', 'for=192.0.2.1;proto=https'], ['X-Forwarded-For', '192.0.2.1'])
    refused('contradictory', ['Forwarded', 'for=192.0.2.1;proto=https'], ['X-Forwarded-Proto', 'http'], ['X-Forwarded-For', '192.0.2.1'])
  })
})
