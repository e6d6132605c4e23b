// `tls.crl_files`: what is read, what is a mistake, and what is only worth a warning.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { checkRevocationLists } from '../../src/config/check-revocation-lists.ts'
import type { Mistake, Warning } from '../../src/config/config-error.ts'
import { Report } from '../../src/config/report.ts'
import { splitRevocationLists } from '../../src/config/revocation-list-file.ts'
import { extension } from '../../src/x509/certificate-writer.ts'
import { integer } from '../../src/x509/der-writer.ts'
import { oid } from '../../src/x509/object-identifiers.ts'
import { readAnchor } from '../../src/x509/path.ts'
import type { RevocationLists } from '../../src/x509/revocation-lists.ts'
import { RevokedSerials } from '../../src/x509/revoked-serials.ts'
import { makeAuthority, makeIntermediate, makeKey, makeLeaf } from '../support/certificates.ts'
import { listPem, manyEntries, serialNumberOf, writeList } from '../support/revocation-lists.ts'

const now = Date.now()
const hour = 3_600_000
const ca = makeAuthority({ commonName: 'Test CA', pathLength: null })
const alice = makeLeaf(ca)
const folder = mkdtempSync(join(tmpdir(), 'meerkat-lists-'))
after(() => { rmSync(folder, { recursive: true }) })

interface Outcome { readonly lists: RevocationLists | null, readonly mistakes: readonly Mistake[], readonly warnings: readonly Warning[] }

async function check(contents: readonly (string | Uint8Array)[], policy: 'refuse' | 'accept' = 'refuse', authorities = [ca]): Promise<Outcome> {
  const files = contents.map((content, index) => {
    writeFileSync(join(folder, `${index}.crl`), content)
    return join(folder, `${index}.crl`)
  })
  const report = new Report('meerkat.toml', folder)
  const lists = await checkRevocationLists({ crl_files: files, crl_expired: policy }, 'tls', authorities.map(({ der }) => readAnchor(der)), { now, inUse: null }, report)
  return { lists, mistakes: report.mistakes, warnings: report.warnings }
}
const statusOf = ({ lists }: Outcome, at = now) =>
  lists?.statusOf(Buffer.from(serialNumberOf(alice)).subarray(2).toString('hex'), readAnchor(ca.der).authority, at)

describe('good files', () => {
  test('none: revocation is not asked for', async () => assert.deepEqual(await check([]), { lists: null, mistakes: [], warnings: [] }))
  test('DER, PEM, PEM with text and other line ends, and several lists in one file', async () => {
    const der = writeList(ca, { revoked: [alice] })
    const middle = makeIntermediate(ca)
    for (const content of [der, listPem(der), `Last update: today\n\n${listPem(der).replaceAll('\n', '\r\n')}\ntrailing words`, listPem(writeList(middle)) + listPem(der)]) {
      const outcome = await check([content], 'refuse', [ca, middle].slice(0, content.toString().split('BEGIN').length === 3 ? 2 : 1))
      assert.deepEqual([outcome.mistakes, outcome.warnings], [[], []])
      assert.equal(statusOf(outcome), 'revoked')
    }
  })
  test('crl_expired: past its nextUpdate a list counts for nothing, or as before', async () => {
    const der = writeList(ca, { nextUpdate: now + hour })
    assert.equal(statusOf(await check([der]), now + hour - 1_000), 'good')
    assert.equal(statusOf(await check([der]), now + hour + 1_000), 'outdated')
    assert.equal(statusOf(await check([der], 'accept'), now + hour + 1_000), 'good')
  })
})

describe('mistakes, with the file and the remedy', () => {
  const pem = listPem(writeList(ca))
  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['an empty file', '', /holds no revocation list/],
    ['a certificate', ca.certificatePem, /holds a block CERTIFICATE/],
    ['a certificate in DER', ca.der, /revocation list 1 of 1 cannot be used/],
    ['a list without an end', pem.slice(0, -20), /has no end/],
    ['a list that begins within another', pem.slice(0, 90) + pem, /has no end/],
    ['a list that is not base64', pem.replace(/\n.{8}/, '\n!!!!!!!!'), /not base64/],
    ['a damaged BEGIN line', pem.replace('BEGIN X509 CRL-----', 'BEGIN X509 CRL----'), /damaged BEGIN/],
    ['half a list in DER', writeList(ca).subarray(0, 100), /cannot be used/],
    ['a delta list', writeList(ca, { moreExtensions: [extension(oid.deltaCrlIndicator, true, integer(1))] }), /a delta list.*Name the complete list/],
    ['a list that another key signed in the CA\'s name', writeList(ca, { key: makeKey('p256') }), /is not signed by that CA/],
    ['a list of tomorrow', writeList(ca, { thisUpdate: now + 24 * hour, nextUpdate: now + 48 * hour }), /which is to come/],
  ]
  for (const [what, content, message] of cases) {
    test(what, async () => {
      const { mistakes } = await check([writeList(ca), content])
      assert.deepEqual(mistakes.map(({ path }) => path), ['tls.crl_files[1]'])
      assert.match(mistakes[0]!.found, /1\.crl/)
      assert.match(mistakes[0]!.found, message)
      assert.ok(mistakes[0]!.remedy)
    })
  }
  test('a file that is not there', async () => {
    const report = new Report('meerkat.toml', folder)
    await checkRevocationLists({ crl_files: [join(folder, 'gone')], crl_expired: 'refuse' }, 'tls', [], { now, inUse: null }, report)
    assert.match(report.mistakes[0]!.found, /no such file/)
  })
  test('clocks that are a little apart are none', async () => assert.deepEqual((await check([writeList(ca, { thisUpdate: now + 60_000 })])).mistakes, []))
})

describe('warnings', () => {
  const warningsOf = async (...args: Parameters<typeof check>) => (await check(...args)).warnings.map(({ text }) => text).join('\n')
  test('a list of somebody who is not in cacertfile: an intermediate CA may send itself along', async () =>
    assert.match(await warningsOf([writeList(ca), writeList(makeIntermediate(ca))]), /no CA in cacertfile has issued .*CN=Middle.* intermediate CA that clients send along/))
  test('a CA without a list', async () => assert.match(await warningsOf([writeList(ca)], 'refuse', [ca, makeAuthority({ commonName: 'Other' })]),
    /no revocation list of "CN=Other": certificates that it issued are refused/))
  test('a list that is out of date, or never will be', async () => {
    assert.match(await warningsOf([writeList(ca, { thisUpdate: now - 3 * hour, nextUpdate: now - hour })]), /out of date/)
    assert.match(await warningsOf([writeList(ca, { nextUpdate: null })]), /never goes out of date/)
  })
})

test('a file of 30,000 entries is taken apart in slices', async () => {
  const der = writeList(ca, { revoked: manyEntries(30_000) })
  let turns = 0
  const split = await splitRevocationLists(Buffer.from(listPem(der)), () => { turns += 1; return Promise.resolve() })
  assert.ok(split.ok)
  assert.deepEqual(split.ders, [der])
  assert.ok(turns >= listPem(der).length / 131_072, `${turns} turns`)
})

test('while a file of 30,000 entries is loaded the event loop turns after every slice, and no slice is longer than 1,000 entries', async context => {
  const { mock } = context.mock.method(RevokedSerials.prototype, 'add')
  let [most, before] = [0, 0]
  const look = () => {
    most = Math.max(most, mock.callCount() - before)
    before = mock.callCount()
  }
  let looking = setImmediate(function again() {
    look()
    looking = setImmediate(again)
  })
  const { lists } = await check([listPem(writeList(ca, { revoked: manyEntries(30_000) }))])
  clearImmediate(looking)
  look()
  assert.equal(lists?.lists[0]?.fields.serials.size, 30_000)
  assert.equal(before, 30_000)
  assert.ok(most <= 1_000, `${most} entries in one go`)
})
