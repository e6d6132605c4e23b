// What dates do to a reload: material in use that has only aged keeps nothing new away, what is new and has expired is refused as ever, and what is to come
// is tried again by itself when it has come.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { checkFiles } from '../../src/config/check-files.ts'
import { loadConfig } from '../../src/config/load.ts'
import { TlsReload } from '../../src/config/tls-reload.ts'
import type { LogEvent } from '../../src/telemetry/log.ts'
import type { TlsMaterial } from '../../src/x509/tls-material.ts'
import { makeAuthority, makeServer } from '../support/certificates.ts'
import type { TestCertificate } from '../support/certificates.ts'
import { listPem, writeList } from '../support/revocation-lists.ts'
import { recordingLog, settled, TurnedClock } from '../support/turned-clock.ts'

const minute = 60_000
const hour = 60 * minute
const servers = makeAuthority({ commonName: 'Servers' })

/** Two listeners: the second has files of its own. */
const toml = (verifyMode: string) => `
[general]
hosts = ["localhost"]
[[listen.http]]
tls = { certfile = "first.crt", keyfile = "first.key", cacertfile = "ca.crt", crl_files = ["ca.crl"] }
[[listen.http]]
ip = "::1"
tls = { certfile = "second.crt", keyfile = "second.key", cacertfile = "second-ca.crt", verify_mode = "${verifyMode}" }
`

let folder: string
let clock: TurnedClock
let events: LogEvent[]
let reload: TlsReload
/** What the listeners use. */
let used: (TlsMaterial | null)[]
let ca: TestCertificate

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meerkat-reload-dates-'))
  clock = new TurnedClock()
  ca = makeAuthority({ commonName: 'Lasting' })
  server('first', {})
  server('second', {})
  put('ca.crt', ca.certificatePem)
  put('second-ca.crt', ca.certificatePem)
  put('ca.crl', listPem(writeList(ca, { nextUpdate: clock.now() + 20 * hour })))
})
afterEach(() => {
  reload.stop()
  rmSync(folder, { recursive: true })
})

const put = (name: string, content: string) => { writeFileSync(join(folder, name), content, { mode: 0o600 }) }
const server = (name: string, options: Parameters<typeof makeServer>[1]) => {
  const certificate = makeServer(servers, options)
  install(name, certificate)
  return certificate
}
const install = (name: string, { certificatePem, privateKeyPem }: TestCertificate) => {
  put(`${name}.crt`, certificatePem)
  put(`${name}.key`, privateKeyPem)
}

async function start(verifyMode = 'peer'): Promise<void> {
  put('meerkat.toml', toml(verifyMode))
  const config = await loadConfig(join(folder, 'meerkat.toml'), { certsFolder: folder })
  const { mistakes, tls, tlsState: state } = await checkFiles(config, clock.now())
  assert.deepEqual(mistakes, [])
  const recording = recordingLog()
  events = recording.events
  used = [...tls]
  reload = new TlsReload({ config, material: tls, state, replaced: () => undefined, clock, log: recording.log })
  for (const index of [0, 1]) reload.add(index, { replace: fresh => { used[index] = fresh } })
  reload.start()
}

/** A new list, of which it can be told whether it counts. */
const publish = (number: number) => { put('ca.crl', listPem(writeList(ca, { number, nextUpdate: clock.now() + 20 * hour }))) }
const listInUse = () => used[0]?.trust?.revocation?.lists.map(({ fields: { number } }) => number)
const named = (name: string) => events.filter(({ event }) => event === name)
const refusal = () => named('tls.reload_refused').at(-1) as { readonly mistakes: readonly string[], readonly retryAt: string | null } | undefined
const warnings = (where = '') => named('configuration.warning').flatMap(event => 'text' in event && 'key' in event && String(event.key).startsWith(where) ? [String(event.text)] : [])

/** Second by second; the files stay as they are. */
async function pass(milliseconds: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= 1_000) {
    clock.advance(1_000)
    await settled()
  }
}
/** Waits for what a reload that began by itself has to say. */
async function told(name: string, count: number): Promise<void> {
  const deadline = Date.now() + 10_000
  while (named(name).length < count) {
    assert.ok(Date.now() < deadline, `${name} was not told`)
    await settled()
  }
}

describe('what is in use and has only aged is a warning, and the rest of the set is put to use', () => {
  test('a server certificate of any listener', async () => {
    server('second', { notAfter: clock.now() + minute })
    await start()
    clock.advance(2 * minute)
    publish(7)
    assert.equal(await reload.reload(), true)
    assert.deepEqual(listInUse(), ['07'])
    assert.equal(warnings('listen.http[1].tls.certfile').length, 1)
    assert.match(warnings('listen.http[1].tls.certfile').join(), /the server certificate expired on .*: clients refuse it\. It stays in use until there is another\./)
    publish(8)
    assert.equal(await reload.reload(), true, 'however often')
    assert.deepEqual(listInUse(), ['08'])
  })

  for (const verifyMode of ['peer', 'none']) {
    test(`all CAs of a listener with verify_mode ${verifyMode}, also when one of them is removed`, async () => {
      const brief = [1, 2].map(number => makeAuthority({ commonName: `Brief ${number}`, notAfter: clock.now() + minute }).certificatePem)
      put('second-ca.crt', brief.join(''))
      await start(verifyMode)
      clock.advance(2 * minute)
      publish(7)
      assert.equal(await reload.reload(), true)
      assert.deepEqual(listInUse(), ['07'])
      assert.match(warnings().join(), /the CA "CN=Brief 1" expired on .*: the certificates it issued are refused/)
      put('second-ca.crt', brief[1]!)
      assert.equal(await reload.reload(), true)
      assert.equal(used[1]?.trust?.anchors.length, verifyMode === 'none' ? undefined : 1)
    })
  }

  test('everything, where the clock was set back to before it began', async () => {
    await start()
    clock.jump(-1_000 * hour)
    assert.equal(await reload.reload(), true)
    assert.match(warnings().join(), /the server certificate is not yet valid before .* stays in use/)
    assert.match(warnings().join(), /the revocation list of "CN=Lasting" is of .*, which is to come\. It stays in use\./)
  })
})

describe('what is new and has expired is refused as a whole, whatever has aged beside it', () => {
  let aged: TestCertificate
  let brief: TestCertificate
  beforeEach(async () => {
    aged = server('second', { notAfter: clock.now() + minute })
    brief = makeAuthority({ commonName: 'Brief', notAfter: clock.now() + minute })
    put('second-ca.crt', ca.certificatePem + brief.certificatePem)
    await start()
    clock.advance(2 * minute)
    publish(7)
  })
  const expired = { notBefore: Date.now() - 2 * hour, notAfter: Date.now() - hour }
  const cases: readonly (readonly [string, () => void, RegExp])[] = [
    ['another server certificate', () => { server('second', expired) }, /the server certificate expired/],
    ['one that has aged at another listener', () => { install('first', aged) }, /http\[0\].*the server certificate expired/],
    ['a set of CAs', () => { put('second-ca.crt', makeAuthority({ commonName: 'Old', ...expired }).certificatePem) }, /the CA "CN=Old" expired/],
    ['the removal of all CAs but one that has aged: whoever could log in could not any more', () => { put('second-ca.crt', brief.certificatePem) }, /the CA "CN=Brief" expired/],
  ]
  for (const [what, change, message] of cases) {
    test(what, async () => {
      change()
      assert.equal(await reload.reload(), false)
      assert.match(refusal()?.mistakes.join('\n') ?? '', message)
      assert.equal(refusal()?.retryAt, null)
      assert.deepEqual(listInUse(), ['01'])
    })
  }
})

describe('a set whose only faults are dates to come is refused once, and taken by itself when they have come', () => {
  const soon = () => clock.now() + 5 * minute
  const cases: readonly (readonly [string, () => void])[] = [
    ['a server certificate', () => { server('second', { notBefore: soon(), notAfter: soon() + hour }) }],
    ['a set of CAs, with the first that is valid', () => {
      put('second-ca.crt', makeAuthority({ notBefore: soon(), notAfter: soon() + hour }).certificatePem + makeAuthority({ notBefore: soon() + hour, notAfter: soon() + 2 * hour }).certificatePem)
    }],
    // Clocks may be five minutes apart.
    ['a revocation list', () => { put('ca.crl', listPem(writeList(ca, { number: 7, thisUpdate: soon() + 5 * minute, nextUpdate: soon() + hour }))) }],
    ['several, with the last of them', () => {
      server('first', { notBefore: soon() - 3 * minute, notAfter: soon() + hour })
      server('second', { notBefore: soon(), notAfter: soon() + hour })
    }],
  ]
  for (const [what, change] of cases) {
    test(what, async () => {
      await start()
      const before = [...used]
      // Certificates know seconds only.
      const begins = Math.floor(soon() / 1_000) * 1_000
      change()
      assert.equal(await reload.reload(), false)
      assert.equal(refusal()?.retryAt, new Date(begins).toISOString())
      await pass(4 * minute + 50_000)
      assert.deepEqual([named('tls.reload_refused').length, named('tls.reloaded').length, used], [1, 0, before])
      await pass(20_000)
      await told('tls.reloaded', 1)
      assert.notDeepEqual(used, before)
      await pass(minute)
      assert.deepEqual([named('tls.reload_refused').length, named('tls.reloaded').length], [1, 1])
    })
  }

  test('also where the clock is set', async () => {
    await start()
    server('second', { notBefore: clock.now() + hour, notAfter: clock.now() + 2 * hour })
    assert.equal(await reload.reload(), false)
    clock.jump(hour)
    await pass(10_000)
    await told('tls.reloaded', 1)
  })

  test('what is wrong with it besides is told then, and waits for a change', async () => {
    await start()
    server('first', { notBefore: clock.now() + minute, notAfter: clock.now() + 2 * minute })
    server('second', { notBefore: clock.now() + 5 * minute, notAfter: clock.now() + hour })
    assert.equal(await reload.reload(), false)
    await pass(5 * minute + 10_000)
    await told('tls.reload_refused', 2)
    assert.match(refusal()?.mistakes.join('\n') ?? '', /expired/)
    assert.equal(refusal()?.retryAt, null)
    await pass(hour)
    assert.equal(named('tls.reload_refused').length, 2)
  })

  test('beside any other fault it waits for a change alone', async () => {
    await start()
    server('second', { notBefore: soon(), notAfter: soon() + hour })
    put('ca.crl', 'nothing')
    assert.equal(await reload.reload(), false)
    assert.equal(refusal()?.retryAt, null)
    await pass(10 * minute)
    assert.equal(named('tls.reload_refused').length + named('tls.reloaded').length, 1)
  })

  test('one that was replaced meanwhile is not tried again', async () => {
    await start()
    server('second', { notBefore: soon(), notAfter: soon() + hour })
    assert.equal(await reload.reload(), false)
    server('second', {})
    assert.equal(await reload.reload(), true)
    await pass(10 * minute)
    assert.deepEqual([named('tls.reload_refused').length, named('tls.reloaded').length], [1, 1])
  })
})
