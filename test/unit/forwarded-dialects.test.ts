// What proxies forward, read strictly: each dialect as its product writes it, and nothing that is nearly so.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dialects } from '../../plugins/forwarded/catalogue.ts'
import { certificateLines, forwardedChain } from '../../plugins/forwarded/certificate-headers.ts'
import { percentDecoded } from '../../plugins/forwarded/escaped-pem.ts'
import { ForwardingError, type ForwardingFault } from '../../plugins/forwarded/forwarding-error.ts'
import { type DialectName, dialectNames } from '../../src/config/forwarding-keys.ts'
import { pem } from '../../src/x509/der-writer.ts'
import { makeAuthority, makeLeaf, makeSelfSigned } from '../support/certificates.ts'
import { forwardsChains, type HeaderLine, writers } from '../support/forwarded-headers.ts'

const root = makeAuthority()
const middle = makeLeaf(root, { commonName: 'Middle', isAuthority: true, keyUsage: ['keyCertSign'] })
const [leaf, , other] = [makeLeaf(middle, { xmppAddrs: ['alice@localhost'] }), null, makeSelfSigned({ commonName: 'other' })]
const chain = [leaf.der, middle.der]
const base64 = (...ders: readonly Uint8Array[]) => Buffer.concat(ders).toString('base64')
const escaped = (...ders: readonly Uint8Array[]) => encodeURIComponent(ders.map(der => pem('CERTIFICATE', der)).join(''))
const hex = (ders: readonly Uint8Array[] | null) => ders?.map(der => Buffer.from(der).toString('hex'))

const read = (dialect: DialectName, lines: readonly HeaderLine[]) => forwardedChain(certificateLines(lines.flat()), dialects[dialect])

function refused(dialect: DialectName, lines: readonly HeaderLine[], fault: ForwardingFault = 'malformed'): void {
  assert.throws(() => read(dialect, lines), (error: unknown) => {
    assert.ok(error instanceof ForwardingError, String(error))
    assert.equal(error.fault, fault, error.message)
    for (const [, value] of lines) assert.ok(value.length < 20 || !error.message.includes(value.slice(0, 20)), 'nothing that was sent is repeated')
    return true
  })
}

for (const dialect of dialectNames) {
  const write = writers[dialect]
  describe(dialect, () => {
    test('is read as it is written, whatever the case of the names', () => {
      const wanted = forwardsChains(dialect) ? chain : chain.slice(0, 1)
      assert.deepEqual(hex(read(dialect, write(chain))), hex(wanted))
      assert.deepEqual(hex(read(dialect, write(chain).map(([name, value]) => [name.toLowerCase(), value] as const))), hex(wanted))
      assert.deepEqual(hex(read(dialect, write(chain).map(([name, value]) => [name.toUpperCase(), value] as const))), hex(wanted))
      assert.deepEqual(hex(read(dialect, write([leaf.der]))), hex([leaf.der]))
    })
    test('no header, and an empty one, is a client without a certificate', () => {
      assert.equal(read(dialect, []), null)
      assert.equal(read(dialect, [['Host', 'x'], ...write(chain).map(([name]) => [name, ''] as const)]), null)
    })
    test('the same header twice is refused, also where one is empty or spelt in another case', () => {
      const [[name, value]] = write([leaf.der]) as [HeaderLine]
      refused(dialect, [[name, value], [name, value]], 'repeated')
      refused(dialect, [[name, value], [name.toUpperCase(), '']], 'repeated')
      refused(dialect, [[name.toLowerCase(), ''], [name, value]], 'repeated')
    })
    test('an underscore, or anything else, for a hyphen is refused', () => {
      const [[name, value]] = write([leaf.der]) as [HeaderLine]
      for (const look of [name.replaceAll('-', '_'), name.replace('-', '_'), name.replaceAll('-', '.'), name.replaceAll('-', '~').toUpperCase()]) {
        refused(dialect, [[look, value]], 'look-alike')
        refused(dialect, [[name, value], [look, value]], 'look-alike')
        refused(dialect, [[look, '']], 'look-alike')
      }
    })
    test('a header of every other dialect is refused, alone and beside its own', () => {
      for (const foreign of dialectNames.filter(one => one !== dialect)) {
        refused(dialect, writers[foreign](chain), 'other-dialect')
        refused(dialect, [...write(chain), ...writers[foreign](chain)], 'other-dialect')
      }
    })
    test('bytes after the certificate, and half of one, are refused', () => {
      refused(dialect, write([Buffer.concat([leaf.der, Buffer.of(0)])]))
      refused(dialect, write([Buffer.concat([leaf.der, leaf.der])]))
      refused(dialect, write([leaf.der.subarray(0, -1)]))
      refused(dialect, write([Buffer.of(0x04, 1, 1)]))
      refused(dialect, write([Buffer.of(0x30, 0x80, 0, 0)]))
    })
    test('100 kB are refused', () => {
      const long = Buffer.alloc(75_000)
      long.set([0x30, 0x83, 0x01, 0x24, 0xf3])
      refused(dialect, write([long]), 'too-long')
    })
    test('what is no base64, or is no URL encoding, is refused wherever it stands', () => {
      const lines = write([leaf.der])
      const [[name, value]] = lines as [HeaderLine]
      for (const [at, foreign] of [[20, '*'], [value.length >> 1, '\u00e9'], [value.length >> 1, ' '], [value.length >> 1, '%'], [value.length >> 1, '-'], [value.length >> 1, '=']] as const) {
        assert.throws(() => read(dialect, [[name, `${value.slice(0, at)}${foreign}${value.slice(at)}`], ...lines.slice(1)]), ForwardingError, `${at} ${foreign}`)
      }
    })
    if (forwardsChains(dialect)) {
      test('eleven certificates are refused, ten are read', () => {
        const small = Array.from({ length: 10 }, (_, index) => Buffer.of(0x30, 1, index))
        assert.equal(read(dialect, write(small))?.length, 10)
        refused(dialect, write([...small, Buffer.of(0x30, 1, 77)]))
      })
    }
  })
}

describe('rfc9440', () => {
  test('Client-Cert-Chain may come in several lines, which make one list (RFC 9440 §2.3)', () => {
    const lines: HeaderLine[] = [['Client-Cert', `:${base64(leaf.der)}:`], ['Client-Cert-Chain', `:${base64(middle.der)}:`], ['Client-Cert-Chain', `:${base64(root.der)}:`]]
    assert.deepEqual(hex(read('rfc9440', lines)), hex([leaf.der, middle.der, root.der]))
    refused('rfc9440', [...lines, ['Client-Cert-Chain', '']])
  })
  test('a chain does not come without the certificate (RFC 9440 §2.3)', () => { refused('rfc9440', [['Client-Cert-Chain', `:${base64(middle.der)}:`]]) })
  for (const [name, value] of [
    ['without colons', base64(leaf.der)], ['with one colon', `:${base64(leaf.der)}`], ['PEM between colons', `:${pem('CERTIFICATE', leaf.der).replaceAll('\n', '')}:`],
    ['PEM', pem('CERTIFICATE', leaf.der).replaceAll('\n', ' ')], ['URL-encoded', `:${encodeURIComponent(base64(leaf.der))}:`], ['a list', `:${base64(leaf.der)}:, :${base64(middle.der)}:`],
    ['with a parameter', `:${base64(leaf.der)}:;a=1`], ['a quoted string', `"${base64(leaf.der)}"`], ['nothing between colons', '::'], ['a colon', ':'],
    ['with white space inside', `: ${base64(leaf.der)}:`],
  ] as const) test(`${name}: refused`, () => { refused('rfc9440', [['Client-Cert', value]]) })
  for (const value of [base64(middle.der), `:${base64(middle.der)}:,`, `,:${base64(middle.der)}:`, `:${base64(middle.der)}: :${base64(root.der)}:`, '()']) {
    test(`a chain that is no list of byte sequences (${value.length} characters, ends in ${value.slice(-2)}): refused`, () => {
      refused('rfc9440', [['Client-Cert', `:${base64(leaf.der)}:`], ['Client-Cert-Chain', value]])
    })
  }
})

describe('base64 has one spelling', () => {
  const short = Buffer.of(0x30, 2, 5, 1)
  for (const [name, text] of [['without padding', 'MAIFAQ'], ['with too much of it', 'MAIFAQ==='], ['with bits left over', 'MAIFAR=='], ['of URLs', '-_8=']] as const) {
    test(`${name}: refused`, () => { refused('haproxy', [['X-SSL-Client-Cert', text]]) })
  }
  test('that one', () => { assert.deepEqual(hex(read('haproxy', [['X-SSL-Client-Cert', 'MAIFAQ==']])), hex([short])) })
})

describe('xfcc', () => {
  const cert = `Cert="${escaped(leaf.der)}"`
  test('Cert alone, Chain alone, without quotes, keys in any case', () => {
    for (const value of [cert, `Chain="${escaped(...chain)}"`, `By=a;${cert}`, `cert=${escaped(leaf.der)}`, `CHAIN="${escaped(...chain)}";By=x`]) {
      assert.deepEqual(hex(read('xfcc', [['X-Forwarded-Client-Cert', value]]))?.[0], hex([leaf.der])?.[0])
    }
  })
  for (const [name, value, fault] of [
    ['two elements: nobody knows whose the first is', `${cert},${cert}`, 'malformed'], ['an element of another proxy before', `By=x;Hash=00,${cert}`, 'malformed'],
    ['no certificate, only its hash', 'By=x;Hash=00', 'malformed'], ['a key twice', `${cert};${cert}`, 'repeated'], ['two certificates in Cert', `Cert="${escaped(...chain)}"`, 'malformed'],
    ['a chain of somebody else', `${cert};Chain="${escaped(other.der, middle.der)}"`, 'contradictory'], ['a hash of something else', `${cert};Hash=${'0'.repeat(64)}`, 'contradictory'],
    ['an unknown key', `${cert};Trust=yes`, 'malformed'], ['an open quote', `Cert="${escaped(leaf.der)}`, 'malformed'], ['a semicolon at the end', `${cert};`, 'malformed'],
    ['an escaped quote in a certificate', `Cert="\\"${escaped(leaf.der)}"`, 'malformed'], ['white space', `By=x; ${cert}`, 'malformed'], ['nothing of it', 'x', 'malformed'],
    ['a comma in a value without quotes', `By=a,b;${cert}`, 'malformed'],
  ] as const) test(`${name}: refused`, () => { refused('xfcc', [['X-Forwarded-Client-Cert', value]], fault) })
  test('a quoted comma divides nothing', () => {
    assert.equal(read('xfcc', [['X-Forwarded-Client-Cert', `Subject="CN=a, O=b;c=d";${cert}`]])?.length, 1)
  })
})

describe('PEM in a header', () => {
  const nginx = (value: string) => [['ssl-client-cert', value]] as const
  test('its line ends may be CR LF, and the last one missing', () => {
    for (const value of [escaped(leaf.der).replaceAll('%0A', '%0D%0A'), escaped(leaf.der).replace(/%0A$/, '')]) assert.deepEqual(hex(read('nginx', nginx(value))), hex([leaf.der]))
  })
  test('a chain in a header that holds one certificate: refused', () => { refused('nginx', nginx(escaped(...chain))) })
  for (const [name, value] of [
    ['text before', `x%0A${escaped(leaf.der)}`], ['text after', `${escaped(leaf.der)}x`], ['a key', encodeURIComponent(leaf.privateKeyPem)], ['another label', escaped(leaf.der).replaceAll('CERTIFICATE', 'TRUSTED%20CERTIFICATE')],
    ['no end', escaped(leaf.der).replace(/-----END.*/, '')], ['no begin', escaped(leaf.der).replace(/^.*?%0A/, '')], ['an empty block', '-----BEGIN%20CERTIFICATE-----%0A-----END%20CERTIFICATE-----%0A'],
    ['an escape that is none', escaped(leaf.der).replace('%0A', '%0g')], ['a doubly escaped one', encodeURIComponent(escaped(leaf.der))], ['not escaped', pem('CERTIFICATE', leaf.der).replaceAll('\n', ' ')],
    ['a NUL', `${escaped(leaf.der)}%00`], ['an empty line', escaped(leaf.der).replace('%0A', '%0A%0A%20')], ['plus for space', escaped(leaf.der).replaceAll('%20', '+')], ['(null)', '(null)'],
  ] as const) test(`${name}: refused`, () => { refused('nginx', nginx(value)) })
})

test('URL encoding is of ASCII text, without a percent sign of its own', () => {
  assert.equal(percentDecoded('a%2Bb%0A+c', 'it'), 'a+b\n+c')
  for (const value of ['%', '%2', '%zz', '%25', '%E9', '\u00e9', '%00', '%7f', '\t']) assert.throws(() => percentDecoded(value, 'it'), ForwardingError, value)
})

describe('traefik', () => {
  test('URL-encoded, as before version 3', () => {
    assert.deepEqual(hex(read('traefik', [['X-Forwarded-Tls-Client-Cert', chain.map(der => encodeURIComponent(base64(der))).join(',')]])), hex(chain))
  })
  for (const value of [`${base64(leaf.der)},`, `,${base64(leaf.der)}`, `${base64(leaf.der)}, ${base64(middle.der)}`]) {
    test(`a list that is none (ends in ${JSON.stringify(value.slice(-1))}): refused`, () => { refused('traefik', [['X-Forwarded-Tls-Client-Cert', value]]) })
  }
})

describe('haproxy', () => {
  const line = (ders: readonly Uint8Array[]) => ['X-SSL-Client-Chain-Der', base64(...ders)] as const
  test('a chain that begins with the leaf has it once', () => {
    assert.deepEqual(hex(read('haproxy', [['X-SSL-Client-Cert', base64(leaf.der)], line(chain)])), hex(chain))
  })
  test('a chain without the certificate: refused', () => { refused('haproxy', [line([middle.der])]) })
  test('a chain with bytes between: refused', () => { refused('haproxy', [['X-SSL-Client-Cert', base64(leaf.der)], line([middle.der, Buffer.of(0), root.der])]) })
})

describe('what stands beside', () => {
  test('what a product tells of the certificate is let pass and not read', () => {
    for (const [dialect, name] of [['nginx', 'ssl-client-verify'], ['traefik', 'X-Forwarded-Tls-Client-Cert-Info'], ['haproxy', 'X-SSL-Client-DN']] as const) {
      assert.equal(read(dialect, [[name, 'SUCCESS']]), null)
      assert.equal(read(dialect, [...writers[dialect]([leaf.der]), [name, 'CN=mallory'], [name, 'CN=eve']])?.length, 1)
    }
  })
  test('the load balancer\'s verify mode is another dialect: its leaf is never believed', () => {
    refused('aws-alb', [['X-Amzn-Mtls-Clientcert-Leaf', escaped(leaf.der)]], 'other-dialect')
  })
  test('other headers are nobody\'s certificate', () => {
    assert.deepEqual(certificateLines(['Host', 'a', 'Client-Hints', 'x', 'X-Client-Id', 'y', 'Sec-WebSocket-Key', 'z', 'User-Agent', 'ssl-client-cert']), [])
  })
})
