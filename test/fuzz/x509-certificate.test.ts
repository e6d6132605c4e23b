// Damaged certificates: never a crash, never a hang, never an identity that the bytes do not hold.
// The seed is printed; FUZZ_SEED repeats a run.
import assert from 'node:assert/strict'
import { hash, randomInt, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { parseJid } from '../../src/xmpp/jid.ts'
import { CertificateError, readCertificate } from '../../src/x509/certificate.ts'
import { dnsName, otherName } from '../../src/x509/certificate-writer.ts'
import { bmpString, utf8String } from '../../src/x509/der-writer.ts'
import { oid } from '../../src/x509/object-identifiers.ts'
import { makeAuthority, makeLeaf, makeSelfSigned, subjectOf, trustIn } from '../support/certificates.ts'
import { randomOf } from '../support/seeded-random.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31))
const budgetMs = 5_000

const ca = makeAuthority()
const originals = [
  makeLeaf(ca, { commonName: 'alice', xmppAddrs: ['alice@localhost', 'alice@example.org'], altNames: [dnsName('example.org'),
    otherName('1.2.3', bmpString('x'))] }),
  makeLeaf(ca, { commonName: 'bob', key: 'rsa2048' }),
  makeLeaf(ca, { subject: subjectOf(['2.5.4.10', 'Example'], [oid.commonName, 'Zoë']), xmppAddrs: ['zoë@münchen.example'], key: 'ed25519' }),
  makeLeaf(ca, { altNames: [otherName(oid.xmppAddr, utf8String('carol@localhost'))], key: 'rsa-pss', keyUsage: null }),
  makeSelfSigned({ commonName: 'dave', xmppAddrs: ['dave@localhost'] }),
].map(({ der }) => Buffer.from(der))

/** Every UTF8String that follows the xmppAddr identifier anywhere in the bytes: a reader that knows nothing of structure. */
function addressesAnywhere(der: Buffer): ReadonlySet<string | null> {
  const marker = Buffer.from('06082b06010505070805a0', 'hex')
  const found = new Set<string | null>()
  for (let at = der.indexOf(marker); at >= 0; at = der.indexOf(marker, at + 1)) {
    const start = at + marker.length
    if (der[start + 1] === 0x0c) found.add(parseJid(der.toString('utf8', start + 3, start + 3 + (der[start + 2] ?? 0))))
  }
  return found
}

function damage(random: (below: number) => number): Buffer {
  const der = Buffer.from(originals[random(originals.length)] ?? Buffer.alloc(0))
  switch (random(6)) {
    case 0: return der.subarray(0, random(der.length))
    case 1: { // an octet more or less
      const at = random(der.length)
      return random(2) === 0 ? Buffer.concat([der.subarray(0, at), der.subarray(at + 1)]) : Buffer.concat([der.subarray(0, at),
        Buffer.of(random(256)), der.subarray(at)])
    }
    case 2: { // a piece of another certificate
      const other = originals[random(originals.length)] ?? der
      const [at, from, length] = [random(der.length), random(other.length), random(40)]
      other.copy(der, at, from, from + length)
      return der
    }
    default:
      for (let flips = 1 + random(3); flips > 0; flips--) {
        const at = random(der.length)
        der[at] = (der[at] ?? 0) ^ (1 << random(8))
      }
      return der
  }
}

function check(der: Buffer): boolean {
  let certificate
  try {
    certificate = readCertificate(der)
  } catch (error) {
    assert.ok(error instanceof CertificateError, String(error))
    return false
  }
  const inBytes = addressesAnywhere(der)
  for (const jid of certificate.xmppAddrs) assert.ok(inBytes.has(jid), `${jid} is not in the certificate`)
  const openssl = new X509Certificate(der)
  assert.equal(certificate.fingerprint256, hash('sha256', der, 'hex'))
  assert.equal(certificate.notAfter, openssl.validToDate.getTime())
  assert.equal(certificate.notBefore, openssl.validFromDate.getTime())
  assert.doesNotMatch(certificate.subject + certificate.issuer, /\p{Cc}/u)
  for (const name of certificate.commonNames) assert.ok(der.includes(Buffer.from(name)) || der.includes(Buffer.from(name, 'utf16le').swap16()))
  return true
}

test('the originals pass', () => {
  for (const der of originals) assert.ok(check(der))
})

test(`damaged certificates are refused or read as what they are (FUZZ_SEED=${seed})`, t => {
  const random = randomOf(seed)
  const end = performance.now() + budgetMs
  let [runs, read, slowest] = [0, 0, 0]
  while (performance.now() < end) {
    const der = damage(random)
    const start = performance.now()
    if (check(der)) read++
    slowest = Math.max(slowest, performance.now() - start)
    runs++
  }
  t.diagnostic(`${runs} certificates, ${read} still readable, slowest ${slowest.toFixed(1)} ms`)
  assert.ok(read > 0 && read < runs)
  assert.ok(slowest < 2_000)
})

test(`a damaged signature or body is never accepted as self-signed (FUZZ_SEED=${seed})`, () => {
  const random = randomOf(seed + 1)
  const original = originals.at(-1) ?? Buffer.alloc(0)
  const trust = trustIn([ca], 'selfsigned_peer')
  for (let run = 0; run < 1_000; run++) {
    const leaf = Buffer.from(original)
    const at = random(leaf.length)
    leaf[at] = (leaf[at] ?? 0) ^ (1 << random(8))
    const verdict = trust.judgeConnection({ chain: [leaf], authorized: false, authorizationError: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, Date.now())
    assert.equal(verdict.kind, 'refused', `octet ${at}`)
  }
})
