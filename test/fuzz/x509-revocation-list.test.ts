// Damaged revocation lists: never a crash or a hang, never a list that its authority did not sign. The seed is printed; FUZZ_SEED repeats a run.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { extension } from '../../src/x509/certificate-writer.ts'
import { octetString } from '../../src/x509/der-writer.ts'
import { readAnchor } from '../../src/x509/path.ts'
import { RevocationListError } from '../../src/x509/revocation-list.ts'
import { makeAuthority, makeLeaf, nestedSequences } from '../support/certificates.ts'
import { entryOf, readList, reason, writeList } from '../support/revocation-lists.ts'
import { randomOf } from '../support/seeded-random.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31))
const ca = makeAuthority()
const { authority } = readAnchor(ca.der)
const unknown = extension('1.2.3.4', false, octetString(Buffer.from('words')))
const originals = [
  writeList(ca, { revoked: [entryOf(makeLeaf(ca), reason(1)), entryOf(makeLeaf(ca), unknown), makeLeaf(ca)], moreExtensions: [unknown] }),
  writeList(ca, { version: null, extensions: null, revoked: [makeLeaf(ca)] }),
  writeList(ca, { nextUpdate: null }),
]

test(`a damaged list is refused, or is not its authority's (FUZZ_SEED=${seed})`, async t => {
  const random = randomOf(seed)
  const deadline = Date.now() + 3_000
  let runs = 0
  let read = 0
  let slowest = 0
  while (Date.now() < deadline && runs < 20_000) {
    const original = originals[random(originals.length)]!
    let der = Buffer.from(original)
    switch (random(4)) {
      case 0: der = der.subarray(0, random(der.length)); break
      case 1: {
        const at = random(der.length)
        der = Buffer.concat([der.subarray(0, at), Buffer.of(random(256)), der.subarray(at + random(2))])
        break
      }
      default: for (let flips = 1 + random(3); flips > 0; flips--) { const at = random(der.length); der[at] = der[at]! ^ (1 << random(8)) }
    }
    const start = performance.now()
    try {
      const list = await readList(der)
      read++
      assert.ok(der.equals(original) || !list.isOf(authority), der.toString('hex'))
    } catch (error) {
      assert.ok(error instanceof RevocationListError, String(error))
    }
    slowest = Math.max(slowest, performance.now() - start)
    runs++
  }
  t.diagnostic(`${runs} lists, ${read} still readable, slowest ${slowest.toFixed(1)} ms`)
  assert.ok(read > 0 && read < runs && slowest < 2_000)
})

test('what is built to be expensive is refused in linear time', async () => {
  for (const der of [nestedSequences(20_000), Buffer.alloc(4_000_000, 0x30), Buffer.concat([Buffer.of(0x30, 0x84, 0x7f, 0xff, 0xff, 0xff), Buffer.alloc(1_000_000)]),
    writeList(ca, { moreExtensions: [extension('1.2.3', false, octetString(nestedSequences(20_000)))], issuerName: nestedSequences(20_000) })]) {
    const start = performance.now()
    await assert.rejects(readList(der), RevocationListError)
    assert.ok(performance.now() - start < 1_000)
  }
})
