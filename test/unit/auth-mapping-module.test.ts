/** The operator's own mapping: what it may answer, and what becomes of its mistakes. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { mapCertificate } from '../../src/auth/certificate-mapping.ts'
import { loadMappingModule, mappingModule, MappingModuleError } from '../../src/auth/mapping-module.ts'
import type { MappingFunction, MappingQuestion } from '../../src/auth/mapping-module.ts'
import { parseDomainpart, parseJid } from '../../src/xmpp/jid.ts'
import { recordingLog, settled, TurnedClock } from '../support/turned-clock.ts'
import { certificateWith } from '../support/external-certificate.ts'

const host = parseDomainpart('example.net')!

function moduleOf(ask: unknown) {
  const clock = new TurnedClock()
  const { log, events } = recordingLog()
  return { module: mappingModule('/etc/mapping.ts', ask as MappingFunction, { timeoutMilliseconds: 5_000, clock, log }), clock, events }
}

async function outcome(ask: unknown, authzid: string | null = null) {
  const { module, events } = moduleOf(ask)
  const mapping = await module.map(certificateWith({}), host, authzid === null ? null : parseJid(authzid))
  return { gives: mapping.ok ? mapping.user : mapping.condition, logged: events.map(({ event }) => event) }
}

const faulty = { gives: 'not-authorized', logged: ['auth.mapping_module_failed'] }

describe('what a mapping module answers', () => {
  test('a user of this host, at once or later, prepared', async () => {
    assert.deepEqual(await outcome(() => 'Alice@Example.net'), { gives: 'alice@example.net', logged: [] })
    assert.deepEqual(await outcome(() => Promise.resolve('alice@example.net')), { gives: 'alice@example.net', logged: [] })
  })
  test('the user that the client asks to be', async () => {
    assert.deepEqual(await outcome(() => 'alice@example.net', 'alice@example.net'), { gives: 'alice@example.net', logged: [] })
  })
  test('another user than the client asks to be: invalid-authzid (XEP-0178 §2)', async () => {
    assert.deepEqual(await outcome(() => 'alice@example.net', 'bob@example.net'), { gives: 'invalid-authzid', logged: [] })
    assert.deepEqual(await outcome(() => 'alice@example.net', 'alice@example.net/r'), { gives: 'invalid-authzid', logged: [] })
  })
  for (const condition of ['account-disabled', 'credentials-expired', 'invalid-authzid', 'not-authorized', 'temporary-auth-failure']) {
    test(`the condition ${condition}`, async () => {
      assert.deepEqual(await outcome(() => ({ condition })), { gives: condition, logged: [] })
    })
  }
  const wrong: Readonly<Record<string, unknown>> = {
    'a user of another host': 'alice@example.com', 'this domain': 'example.net', 'a localpart alone': 'alice',
    'a full JID': 'alice@example.net/r',
    'no JID at all': '@', 'the empty string': '', 'nothing': undefined, 'null': null, 'true': true,
    'an object without condition': { user: 'alice@example.net' },
    'a condition that is none': { condition: 'success' }, 'a condition of the mechanism': { condition: 'incorrect-encoding' },
    'a list': ['alice@example.net'],
  }
  for (const [name, answer] of Object.entries(wrong)) {
    test(`${name}: not-authorized, and logged`, async () => { assert.deepEqual(await outcome(() => answer), faulty) })
  }
})

test('a module that changes the certificate it was given changes its own copy: the next login is asked about the same', async () => {
  const { module, events } = moduleOf(({ certificate }: { certificate: { commonNames: string[], subject: string, xmppAddrs: string[] } }) => {
    certificate.subject = 'CN=nobody'
    certificate.xmppAddrs.push('mallory@example.net')
    return `${certificate.commonNames.shift()}@example.net`
  })
  const certificate = certificateWith({ commonNames: ['alice'] })
  for (let login = 1; login <= 2; login++) assert.deepEqual(await module.map(certificate, host, null), { ok: true, user: 'alice@example.net' })
  assert.deepEqual(certificate, certificateWith({ commonNames: ['alice'] }))
  assert.deepEqual(events, [])
})

describe('a mapping module that fails', () => {
  test('it throws: not-authorized, and logged with the cause', async () => {
    const { module, events } = moduleOf(() => { throw new TypeError('undefined is not a user') })
    const mapping = await module.map(certificateWith({}), host, null)
    assert.equal(mapping.ok ? '' : mapping.condition, 'not-authorized')
    assert.match(String(events[0]!['cause']), /undefined is not a user/)
    assert.equal(events[0]!['module'], '/etc/mapping.ts')
  })
  test('it rejects: the same', async () => {
    assert.deepEqual(await outcome(() => Promise.reject(new Error('no'))), faulty)
  })
  test('it never answers: temporary-auth-failure after the timeout', async () => {
    const { module, clock, events } = moduleOf(() => new Promise(() => {}))
    const asked = module.map(certificateWith({}), host, null)
    await settled()
    clock.advance(5_000)
    const mapping = await asked
    assert.equal(mapping.ok ? '' : mapping.condition, 'temporary-auth-failure')
    assert.equal(events.length, 1)
  })
  test('what it threw does not reach the person', async () => {
    const { module } = moduleOf(() => { throw new Error('password=hunter2') })
    const mapping = await module.map(certificateWith({}), host, null)
    assert.ok(!mapping.ok && !mapping.reason.includes('hunter2'))
  })
})

describe('a mapping module among the modes', () => {
  const map = ({ certificate, authzid }: MappingQuestion) =>
    certificate.xmppAddrs.length > 0 || authzid === null ? { condition: 'not-authorized' as const } : authzid
  const input = { host, authzid: parseJid('carol@example.net'), commonName: { prefix: '', suffix: '' } }

  test('it decides where the modes before it do not apply', async () => {
    const { module } = moduleOf(map)
    const mapping = await mapCertificate({ ...input, certificate: certificateWith({}), modes: ['standard', module] })
    assert.deepEqual(mapping, { ok: true, user: 'carol@example.net' })
  })
  test('it is not asked where a mode before it applies', () => {
    const { module } = moduleOf(() => assert.fail('asked'))
    const certificate = certificateWith({ xmppAddrs: ['carol@example.net'] })
    assert.deepEqual(mapCertificate({ ...input, certificate, modes: ['standard', module] }), { ok: true, user: 'carol@example.net' })
  })
  test('it applies to every certificate: no mode after it is asked', async () => {
    const { module } = moduleOf(map)
    const certificate = certificateWith({ xmppAddrs: ['carol@example.net'] })
    const mapping = await mapCertificate({ ...input, certificate, modes: [module, 'standard'] })
    assert.equal(mapping.ok ? '' : mapping.condition, 'not-authorized')
  })
})

describe('loading a mapping module', () => {
  let folder = ''
  before(async () => { folder = await mkdtemp(join(tmpdir(), 'meerkat-mapping-')) })
  after(() => rm(folder, { recursive: true }))

  async function load(name: string, source: string) {
    const file = join(folder, name)
    await writeFile(file, source)
    return loadMappingModule(file, { timeoutMilliseconds: 5_000, clock: new TurnedClock(), log: recordingLog().log })
  }

  test('its default export is asked', async () => {
    const module = await load('default.mjs', 'export default ({ host }) => "alice@" + host')
    assert.deepEqual(await module.map(certificateWith({}), host, null), { ok: true, user: 'alice@example.net' })
  })
  test('or its export "map", in TypeScript as well', async () => {
    const module = await load('map.mts', 'export const map = async ({ host }: { host: string }): Promise<string> => "bob@" + host')
    assert.deepEqual(await module.map(certificateWith({}), host, null), { ok: true, user: 'bob@example.net' })
  })
  test('a path with characters that mean something in a URL', async () => {
    const module = await load('a # ? %20.mjs', 'export default () => "alice@example.net"')
    assert.deepEqual(await module.map(certificateWith({}), host, null), { ok: true, user: 'alice@example.net' })
  })
  for (const [name, source, problem] of [
    ['nothing.mjs', '', /exports no mapping/], ['value.mjs', 'export default 7', /exports no mapping/],
    ['throws.mjs', 'throw new Error("not today")', /cannot be loaded: not today/], ['syntax.mjs', 'export default (', /cannot be loaded/],
  ] as const) {
    test(`${name} is refused at start-up, in words that name the file`, async () => {
      await assert.rejects(load(name, source), (error: unknown) =>
        error instanceof MappingModuleError && problem.test(error.message) && error.message.includes(name))
    })
  }
  test('a file that is not there is refused', async () => {
    const options = { timeoutMilliseconds: 5_000, clock: new TurnedClock(), log: recordingLog().log }
    await assert.rejects(loadMappingModule(join(folder, 'absent.mjs'), options), MappingModuleError)
  })
})
