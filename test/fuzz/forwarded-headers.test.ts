// Header values that nobody meant: whatever is written, reading it ends in certificates or in a ForwardingError, soon, and never in another leaf.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { dialects } from '../../plugins/forwarded/catalogue.ts'
import { certificateLines, forwardedChain } from '../../plugins/forwarded/certificate-headers.ts'
import { clientHop } from '../../plugins/forwarded/client-hop.ts'
import { ForwardingError } from '../../plugins/forwarded/forwarding-error.ts'
import { TrustedProxies } from '../../plugins/forwarded/trusted-proxies.ts'
import { type DialectName, dialectNames } from '../../src/config/forwarding-keys.ts'
import { readAnchor } from '../../src/x509/path.ts'
import { Trust } from '../../src/x509/trust.ts'
import { type HeaderLine, writers } from '../support/forwarded-headers.ts'
import { proxied } from '../support/proxied-users.ts'

const { root, middle, carol, alice } = proxied
const trust = new Trust('peer', { anchors: [readAnchor(root.der)], revocation: null })
const proxies = new TrustedProxies({ trusted_proxies: ['10.0.0.0/8'], trusted_proxy_certificates: [] }, false)

/** The chain, null, or 'refused'; anything else that is thrown fails the test. */
function read(dialect: DialectName, lines: readonly HeaderLine[]): readonly Uint8Array[] | null | 'refused' {
  try {
    return forwardedChain(certificateLines(lines.flat()), dialects[dialect])
  } catch (error) {
    assert.ok(error instanceof ForwardingError, String(error))
    return 'refused'
  }
}

const latin1 = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map(code => String.fromCharCode(code)), maxLength: 400 })
const pieces = fc.array(fc.constantFrom(':', ',', ';', '"', '\\', '=', '%', '%0A', '%2', 'Cert=', 'Chain="', 'Hash=', 'MAA=', 'MAEA', '-----BEGIN%20CERTIFICATE-----', '-----END%20CERTIFICATE-----', ' ', '\u00e9', 'A'), { maxLength: 60 })
  .map(parts => parts.join(''))
const junk = fc.oneof(latin1, pieces, fc.base64String())
const runs = { numRuns: 500 }

for (const dialect of dialectNames) {
  const dialectHeaders = dialects[dialect].headers
  describe(dialect, () => {
    test('junk is read or refused, and vouches for nobody', () => {
      fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...dialectHeaders), junk), { maxLength: 4 }), lines => {
        const chain = read(dialect, lines)
        if (chain === null || chain === 'refused') return
        assert.notEqual(trust.judgeChain(chain, Date.now()).kind, 'accepted')
      }), runs)
    })
    test('a value with one character changed, put in or left out is refused, or still of the same user', () => {
      const good = writers[dialect]([carol.der, middle.der])
      fc.assert(fc.property(fc.nat(good.length - 1), fc.nat(), fc.constantFrom('change', 'insert', 'remove'), fc.integer({ min: 0x20, max: 0xff }), (line, where, how, code) => {
        const changed = good.map(([name, value], index): HeaderLine => {
          if (index !== line || value === '') return [name, value]
          const at = where % value.length
          return [name, `${value.slice(0, at)}${how === 'remove' ? '' : String.fromCharCode(code)}${value.slice(how === 'insert' ? at : at + 1)}`]
        })
        const chain = read(dialect, changed)
        if (chain === null || chain === 'refused') return
        const verdict = trust.judgeChain(chain, Date.now())
        if (verdict.kind === 'accepted') assert.equal(verdict.certificate.fingerprint256, carol.fingerprint)
      }), runs)
    })
    test('names are certificate headers in every spelling with other characters between their words', () => {
      fc.assert(fc.property(fc.constantFrom(...dialectHeaders), fc.string({ unit: fc.constantFrom(...'-_.~!#$%&\'*+^`|'), minLength: 6, maxLength: 6 }), fc.boolean(), (name, marks, isUpper) => {
        let at = 0
        const spelt = name.replaceAll('-', () => marks[at++ % marks.length]!)
        const lines = certificateLines([isUpper ? spelt.toUpperCase() : spelt, 'x'])
        assert.deepEqual(lines.map(({ isLookAlike }) => isLookAlike), [spelt !== name])
      }), runs)
    })
  })
}

test('what is said of address and TLS is read or refused, and an address is one', () => {
  const value = fc.oneof(latin1, fc.array(fc.constantFrom('for=', '"', '[', ']', ':', ',', ';', '192.0.2.1', '10.0.0.1', '::1', 'unknown', '_x', 'proto=https', 'https', 'http', ' ', '\\', '='), { maxLength: 12 }).map(parts => parts.join('')))
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('Forwarded', 'X-Forwarded-For', 'X-Forwarded-Proto'), value), { maxLength: 3 }), lines => {
    try {
      const { address } = clientHop(lines.flat(), proxies)
      assert.match(address ?? '::', /^(?:[\d.]+|[\da-f:.]+|unknown|_[\w.-]+)$/)
    } catch (error) { assert.ok(error instanceof ForwardingError, String(error)) }
  }), { numRuns: 3_000 })
})

test('the longest values cost time in proportion', () => {
  const long = (unit: string) => unit.repeat(Math.ceil(65_000 / unit.length))
  const started = process.hrtime.bigint()
  for (const dialect of dialectNames) {
    for (const name of dialects[dialect].headers) {
      for (const unit of ['A', '%', '%41', '=', ':', ',', '"', '\\"', 'a=', 'a="', 'By=x;', '-----BEGIN%20CERTIFICATE-----%0A', '%0A', ':MAA=:,']) read(dialect, [[name, long(unit)]])
    }
  }
  for (const unit of ['a=b;', 'a=b,', '"', 'for="\\', '1.1.1.1,', '10.0.0.1,', 'for=10.0.0.1,', ' ', ',', ';', '_']) {
    for (const name of ['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Proto']) {
      try { clientHop([name, long(unit)], proxies) } catch (error) { assert.ok(error instanceof ForwardingError, String(error)) }
    }
  }
  // Some two hundred values of 64 kB: milliseconds each; what is quadratic takes minutes.
  assert.ok(Number(process.hrtime.bigint() - started) / 1e6 < 10_000)
  assert.equal(read('haproxy', writers.haproxy([alice.der]))?.length, 1)
})
