// All of a new set or nothing of it, also where only OpenSSL finds fault with it; and one reload after the other.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { checkFiles } from '../../src/config/check-files.ts'
import { loadConfig } from '../../src/config/load.ts'
import { TlsReload } from '../../src/config/tls-reload.ts'
import type { TlsMaterial } from '../../src/x509/tls-material.ts'
import { makeAuthority, makeServer } from '../support/certificates.ts'
import { recordingLog, TurnedClock } from '../support/turned-clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'meerkat-reload-'))
const ca = makeAuthority()
before(() => {
  const { certificatePem, privateKeyPem } = makeServer(ca)
  writeFileSync(join(folder, 'server.crt'), certificatePem)
  writeFileSync(join(folder, 'server.key'), privateKeyPem, { mode: 0o600 })
  writeFileSync(join(folder, 'ca.crt'), ca.certificatePem)
  const tls = 'tls = { certfile = "server.crt", keyfile = "server.key", cacertfile = "ca.crt" }'
  writeFileSync(join(folder, 'meerkat.toml'), `[[listen.http]]\n${tls}\n[[listen.http]]\nip = "::1"\n${tls}\n`)
})
after(() => { rmSync(folder, { recursive: true }) })

interface Setup { readonly reload: TlsReload, readonly seen: (TlsMaterial | null)[][], readonly first: TlsMaterial | null, readonly events: readonly { readonly event: string }[], replaced: number, refuse: boolean }
let setup: Setup
beforeEach(async () => {
  const config = await loadConfig(join(folder, 'meerkat.toml'), { certsFolder: folder })
  const { tls: material, tlsState: state } = await checkFiles(config, Date.now())
  const { log, events } = recordingLog()
  const seen: (TlsMaterial | null)[][] = [[], []]
  const reload = new TlsReload({ config, material, state, replaced: () => { setup.replaced += 1 }, clock: new TurnedClock(), log })
  setup = { reload, seen, first: material[0] ?? null, events, replaced: 0, refuse: false }
  reload.add(0, { replace: fresh => { seen[0]!.push(fresh) } })
  reload.add(1, { replace: fresh => {
    if (setup.refuse && fresh !== setup.first) throw Object.assign(new Error('no'), { code: 'ERR_OSSL_NO' })
    seen[1]!.push(fresh)
  } })
})

describe('a reload', () => {
  test('gives every listener its new material, and then says so', async () => {
    const { reload, seen, events } = setup
    assert.equal(await reload.reload(), true)
    assert.deepEqual(seen.map(({ length }) => length), [1, 1])
    assert.deepEqual([setup.replaced, events.at(-1)?.event], [1, 'tls.reloaded'])
  })
  test('that one listener cannot use is taken back from those that could', async () => {
    const { reload, seen, first, events } = setup
    setup.refuse = true
    assert.equal(await reload.reload(), false)
    assert.deepEqual(seen.map(list => list.at(-1)), [first, first])
    assert.deepEqual([setup.replaced, events.at(-1)?.event], [0, 'tls.reload_refused'])
    setup.refuse = false
    assert.equal(await reload.reload(), true)
  })
  test('of several at once: the one under way is finished, and one more for all the others', async () => {
    const { reload, seen } = setup
    const first = reload.reload()
    await Promise.resolve()
    assert.deepEqual(await Promise.all([first, ...Array.from({ length: 10 }, () => reload.reload())]), Array.from({ length: 11 }, () => true))
    assert.equal(seen[0]!.length, 2)
  })
  test('after the end does nothing', async () => {
    const { reload, seen } = setup
    reload.stop()
    assert.equal(await reload.reload(), false)
    assert.deepEqual(seen, [[], []])
  })
  test('that fails by a fault of ours is told, and the next one works', async () => {
    const { reload, events, first } = setup
    reload.add(2, { replace: () => undefined })
    const { replaced } = setup
    Object.defineProperty(setup, 'replaced', { configurable: true, get: () => { throw new Error('a bug') } })
    assert.equal(await reload.reload(), false)
    assert.equal(events.at(-1)?.event, 'tls.reload_bug')
    Object.defineProperty(setup, 'replaced', { value: replaced, writable: true })
    assert.equal(await reload.reload(), true)
    assert.ok(first)
  })
})
