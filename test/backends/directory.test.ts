// The backend `ldap` and Debian's slapd: who is an account, whose password it is, and what happens when the directory goes away.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { BackendSurroundings } from '../../src/auth/backend.ts'
import { LdapConnection } from '../../src/auth/backends/ldap-connection.ts'
import { LdapBackend } from '../../src/auth/backends/ldap.ts'
import type { LdapOptions } from '../../src/auth/backends/ldap-options.ts'
import type { Credentials } from '../../src/auth/credentials.ts'
import { systemClock } from '../../src/telemetry/clock.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { makeJid, parseDomainpart } from '../../src/xmpp/jid.ts'
import { authBackendContract } from '../contract/auth-backend.ts'
import { makeAuthority, makeServer } from '../support/certificates.ts'
import { certificateWith } from '../support/external-certificate.ts'
import { decoys } from '../support/password-login.ts'
import { requireProgram } from '../support/services.ts'
import { settled } from '../support/turned-clock.ts'
import { directoryBase, person, programs, searcher, Slapd } from '../support/slapd.ts'

const domain = parseDomainpart('localhost')!
const authority = makeAuthority()
const server = makeServer(authority)
const tls = { ca: authority.certificatePem, cert: server.certificatePem, key: server.privateKeyPem }

// Not parsed: what no JID could be has to be harmless, too.
const withCertificate = (localpart: string): Credentials => ({ kind: 'certificate', user: makeJid(localpart, domain), certificate: certificateWith({}) })
const withPassword = (localpart: string, password: string): Credentials => ({ kind: 'password', user: makeJid(localpart, domain), password })

const files = new Map([['/ca.pem', authority.certificatePem], ['/other.pem', makeAuthority().certificatePem], ['/secret', `${searcher.password}\nnot this\n`]])
const surroundings: BackendSurroundings = {
  hosts: [domain], dataFolder: '/nowhere', file: path => files.get(path) ?? assert.fail(path), decoys, clock: systemClock, log: silentLog,
}
const usual: Omit<LdapOptions, 'servers'> = {
  encrypt: 'none', rootdn: searcher.dn, password_file: '/secret', base: directoryBase, uids: [{ attr: 'uid', format: '%u' }], request_timeout: 2_000, pool_size: 4,
  tls: { verify_mode: 'peer' },
}

async function asked(options: Partial<LdapOptions> & Pick<LdapOptions, 'servers'>, ...questions: readonly Credentials[]): Promise<readonly (boolean | string)[]> {
  const backend = await LdapBackend.create({ ...usual, ...options }, surroundings)
  try {
    const answers: (boolean | string)[] = []
    for (const credentials of questions) answers.push(await backend.verify(credentials, domain).then(({ ok }) => ok, (error: unknown) => (error as Error).message))
    return answers
  } finally {
    await backend.close()
  }
}

const odd = ['star*', '*', '(bracket', 'bracket)', ')(uid=*', 'back\\slash', '\\2a', 'comma,cn=x', '#hash', 'ümläut', '日本語', '%u', 'a\\00b']
const people = [
  person('alice', { mail: 'Alice@example.org', employeeType: 'enabled' }), person('bob', { mail: 'bob@example.com', employeeType: ['Disabled', 'former'] }),
  person('carol', { title: 'manager', description: 'nobody has this description but carol' }), person('strasse'), person('Dora'),
  person('twin'), person('twin', {}, `ou=Staff,${directoryBase}`), person('no-password', { userPassword: [] }), person('outside', {}, 'dc=example,dc=org'),
  ...odd.map(name => person(name)),
]

describe('ldap on slapd', { skip: requireProgram(...programs) }, () => {
  let slapd: Slapd
  let backend: LdapBackend
  before(async () => {
    slapd = await Slapd.start({ people, tls })
    backend = await LdapBackend.create({ ...usual, servers: [slapd.url] }, surroundings)
  })
  after(async () => { await backend.close(); await slapd.stop() })

  authBackendContract('ldap', () => ({
    backend, domain, everyKind: [withCertificate('alice'), withPassword('alice', 'password of alice')], unanswered: [],
    accepted: [withCertificate('alice'), withPassword('alice', 'password of alice'), withCertificate('no-password'), withCertificate('dora')],
    refused: [withCertificate('nobody'), withPassword('alice', 'password of bob'), withPassword('nobody', 'password of alice'), withPassword('no-password', 'x'),
      { ...withCertificate('alice'), user: makeJid('alice', parseDomainpart('example.com')!) }],
  }))

  test('the name is never taken for a part of the filter (RFC 4515 §3): whoever it is, it finds that entry or none', async () => {
    for (const name of odd) {
      assert.deepEqual(await asked({ servers: [slapd.url] }, withCertificate(name), withPassword(name, `password of ${name}`), withPassword(name, 'password of alice')),
        [true, true, false], name)
    }
    for (const name of ['ali*', 'alice)(cn=*', '*)(uid=alice', 'alice\0', '\0', 'alice ', ' alice', 'a', 'alice\\', '(', 'x'.repeat(1023)]) {
      const [certificate, password] = await asked({ servers: [slapd.url] }, withCertificate(name), withPassword(name, 'password of alice'))
      assert.deepEqual([certificate, password], [false, false], JSON.stringify(name))
    }
  })
  test('an empty password is refused: the bind would succeed as nobody (RFC 4513 §5.1.2)', async () => {
    assert.deepEqual(await asked({ servers: [slapd.url] }, withPassword('alice', ''), withPassword('no-password', '')), [false, false])
  })
  test('two entries of one name are nobody; one that is not below the base is none', async () => {
    assert.deepEqual(await asked({ servers: [slapd.url] }, withCertificate('twin'), withPassword('twin', 'password of twin'), withCertificate('outside')), [false, false, false])
    assert.deepEqual(await asked({ servers: [slapd.url], base: `ou=Staff,${directoryBase}` }, withCertificate('twin')), [true])
  })
  test('a name that the directory takes for another one is not that user', async () => {
    // slapd compares what RFC 4518 makes of both, and ß is ss there.
    assert.deepEqual(await asked({ servers: [slapd.url] }, withCertificate('strasse'), withCertificate('straße'), withPassword('straße', 'password of strasse')), [true, false, false])
  })
  test('uids: one of several attributes has the name, in its format', async () => {
    const uids = [{ attr: 'employeeNumber', format: '%u' }, { attr: 'mail', format: '%u@example.org' }]
    assert.deepEqual(await asked({ servers: [slapd.url], uids }, withPassword('alice', 'password of alice'), withCertificate('bob'), withCertificate('bob@example.com')),
      [true, false, false])
  })
  test('filter: only entries that it lets through are accounts', async () => {
    const filter = '(&(objectClass=inetOrgPerson)(!(employeeType=disabled)))'
    assert.deepEqual(await asked({ servers: [slapd.url], filter }, withCertificate('alice'), withCertificate('bob'), withPassword('bob', 'password of bob')), [true, false, false])
    assert.deepEqual(await asked({ servers: [slapd.url], filter: '(mail=al*@example.org)' }, withCertificate('alice'), withCertificate('bob')), [true, false])
    assert.deepEqual(await asked({ servers: [slapd.url], filter: '(uid:caseExactMatch:=alice)' }, withCertificate('alice'), withCertificate('bob')), [true, false])
  })
  test('local_filter: an attribute of the entry is compared by the gateway, and in doubt the account is refused', async () => {
    const local = (operation: 'equal' | 'notequal', ...values: readonly string[]) => ({ servers: [slapd.url], local_filter: { operation, attribute: 'EMPLOYEETYPE', values: [...values] } })
    const everybody = [withCertificate('alice'), withCertificate('bob'), withCertificate('carol')]
    assert.deepEqual(await asked(local('equal', 'enabled', 'former'), ...everybody), [true, true, false])
    assert.deepEqual(await asked(local('equal', 'ENABLED'), ...everybody), [false, false, false])
    assert.deepEqual(await asked(local('notequal', 'DISABLED'), ...everybody), [true, false, true])
  })
  test('dn_filter: a second search has to find something; %u, %d, %D and %s stand for what the first one found', async () => {
    const everybody = [withCertificate('carol'), withCertificate('alice')]
    for (const [filter, attributes] of [
      ['(&(title=manager)(description=*%u))', []],
      ['(&(title=%s)(description=%s))', ['title', 'description']],
      ['(&(uid=%u)(title=*)(!(l=%d))(!(seeAlso=%D)))', []],
    ] as const) {
      assert.deepEqual(await asked({ servers: [slapd.url], dn_filter: { filter, attributes: [...attributes] } }, everybody[0]!), [true], filter)
    }
    assert.deepEqual(await asked({ servers: [slapd.url], dn_filter: { filter: '(&(uid=%u)(title=%s))', attributes: ['title'] } }, ...everybody), [true, false])
    assert.deepEqual(await asked({ servers: [slapd.url], dn_filter: { filter: '(&(uid=%u)(title=%s))', attributes: ['title'] } }, withPassword('alice', 'password of alice')), [false])
  })
  test('who does not exist, or may not log in, takes as many questions as a wrong password, of the same kinds', async t => {
    const questions: string[] = []
    const { search, accepts } = LdapConnection.prototype
    t.mock.method(LdapConnection.prototype, 'search', function (this: LdapConnection, ...given: Parameters<typeof search>) {
      questions.push('search')
      return search.apply(this, given)
    })
    t.mock.method(LdapConnection.prototype, 'accepts', function (this: LdapConnection, ...given: Parameters<typeof accepts>) {
      questions.push('bind')
      return accepts.apply(this, given)
    })
    const dn_filter = { filter: '(&(uid=%u)(title=%s)(!(seeAlso=%D)))', attributes: ['title'] }
    const local_filter: LdapOptions['local_filter'] = { operation: 'notequal', attribute: 'employeeType', values: ['disabled'] }
    for (const [options, expected] of [[{}, ['search', 'bind']], [{ local_filter }, ['search', 'bind']],
      [{ dn_filter, local_filter }, ['search', 'search', 'bind']]] as const) {
      // The right one, a wrong one, nobody, two of one name, another's name, one without a title, one who is disabled.
      for (const [name, password] of [['carol', 'password of carol'], ['carol', 'wrong'], ['nobody', 'wrong'], ['twin', 'wrong'], ['straße', 'wrong'], ['alice', 'wrong'],
        ['bob', 'password of bob']] as const) {
        questions.length = 0
        const [isAccepted] = await asked({ servers: [slapd.url], ...options }, withPassword(name, password))
        assert.deepEqual(questions, expected, `${name} ${JSON.stringify(options)}`)
        if (name !== 'bob') assert.equal(isAccepted, password === 'password of carol', name)
      }
    }
  })
  test('what the gateway may not do, or finds wrong, is told and lets nobody in', async () => {
    const { password_file: _file, ...without } = usual
    const failing = async (options: Partial<LdapOptions>, words: RegExp) => {
      const backend = await LdapBackend.create({ ...without, servers: [slapd.url], ...options }, surroundings)
      for (const credentials of [withCertificate('alice'), withPassword('alice', 'password of alice')]) await assert.rejects(backend.verify(credentials, domain), words)
      await backend.close()
    }
    await failing({ password: 'wrong' }, /as cn=gateway,dc=example,dc=org: the directory answers with result code 49/)
    await failing({ password: searcher.password, base: 'ou=Nowhere,dc=example,dc=org' }, /result code 32/)
    const { rootdn: _dn, ...anonymous } = without
    const nobody = await LdapBackend.create({ ...anonymous, servers: [slapd.url] }, surroundings)
    // This slapd tells anonymous searchers that there is no such place.
    await assert.rejects(nobody.verify(withCertificate('alice'), domain), /result code 32/)
    await nobody.close()
  })
  test('a hundred logins share two connections, each with its own answer, and searches stay those of rootdn', async () => {
    const narrow = await LdapBackend.create({ ...usual, servers: [slapd.url], pool_size: 1, request_timeout: 10_000 }, surroundings)
    const outcomes = await Promise.all(Array.from({ length: 48 }, (_, index) => narrow.verify(index % 3 === 0 ? withCertificate('alice')
      : withPassword('alice', index % 3 === 1 ? 'password of alice' : 'wrong'), domain)))
    assert.deepEqual(outcomes.map(({ ok }) => ok), outcomes.map((_, index) => index % 3 !== 2))
    await narrow.close()
  })

  describe('TLS', () => {
    const ca = { verify_mode: 'peer', cacertfile: '/ca.pem' } as const
    const good = withPassword('alice', 'password of alice')
    test('ldaps:// and StartTLS, with the server\'s certificate checked', async () => {
      assert.deepEqual(await asked({ servers: [slapd.tlsUrl], tls: ca }, good, withPassword('alice', 'wrong'), good), [true, false, true])
      assert.deepEqual(await asked({ servers: [slapd.url], encrypt: 'starttls', tls: ca }, good, withPassword('alice', 'wrong'), good), [true, false, true])
      assert.deepEqual(await asked({ servers: ['localhost'], port: slapd.tlsPort, encrypt: 'tls', tls: ca }, good), [true])
    })
    test('a certificate of another CA, or for another name: no password is told', async () => {
      for (const options of [{ tls: { verify_mode: 'peer', cacertfile: '/other.pem' } }, { tls: { verify_mode: 'peer' } }] as const) {
        for (const [servers, encrypt] of [[[slapd.tlsUrl], 'none'], [[slapd.url], 'starttls']] as const) {
          const [answer] = await asked({ ...options, servers: [...servers], encrypt }, good)
          assert.match(String(answer), /SELF_SIGNED_CERT|UNABLE_TO_(?:VERIFY|GET)|SIGNATURE/)
        }
      }
      const [answer] = await asked({ servers: [`ldaps://127.0.0.2:${slapd.tlsPort}`], tls: ca }, good)
      assert.equal(typeof answer, 'string')
    })
    test('after a restart StartTLS is asked for again before anything else', async () => {
      const careful = await LdapBackend.create({ ...usual, servers: [slapd.url], encrypt: 'starttls', tls: ca }, surroundings)
      assert.deepEqual(await careful.verify(good, domain), { ok: true })
      await slapd.restart()
      assert.deepEqual(await careful.verify(good, domain), { ok: true })
      await careful.close()
    })
  })

  describe('when the directory goes away', () => {
    const good = withPassword('alice', 'password of alice')
    test('restarted: the next login connects anew', async () => {
      assert.deepEqual(await backend.verify(good, domain), { ok: true })
      await slapd.restart()
      assert.deepEqual(await backend.verify(good, domain), { ok: true })
    })
    test('stopped: it cannot be reached; started again: all is well', async () => {
      await slapd.end()
      await assert.rejects(backend.verify(good, domain), { name: 'DirectoryError' })
      await slapd.restart()
      assert.deepEqual(await backend.verify(good, domain), { ok: true })
    })
    test('frozen: given up within request_timeout, whether connected or not; thawed: all is well', async () => {
      const hasty = await LdapBackend.create({ ...usual, servers: [slapd.url], request_timeout: 400 }, surroundings)
      assert.deepEqual(await hasty.verify(good, domain), { ok: true })
      slapd.freeze()
      try {
        for (let round = 0; round < 2; round += 1) {
          const began = performance.now()
          await assert.rejects(hasty.verify(good, domain), /no answer in time \(request_timeout is 400 ms\)/)
          assert.ok(performance.now() - began < 1_500)
        }
      } finally {
        slapd.thaw()
      }
      assert.deepEqual(await hasty.verify(good, domain), { ok: true })
      await hasty.close()
    })
    test('the first of two servers is gone, or frozen: the second answers', async () => {
      const second = await Slapd.start({ people: [person('alice')] })
      const both = await LdapBackend.create({ ...usual, servers: [slapd.url, second.url], request_timeout: 1_000 }, surroundings)
      try {
        slapd.freeze()
        assert.deepEqual(await both.verify(good, domain), { ok: true })
        const began = performance.now()
        assert.deepEqual(await both.verify(good, domain), { ok: true })
        assert.ok(performance.now() - began < 400, 'the second time it is asked first')
        slapd.thaw()
        await second.end()
        assert.deepEqual(await both.verify(good, domain), { ok: true })
      } finally {
        slapd.thaw()
        await both.close()
        await second.stop()
      }
    })
  })
})

describe('a directory that is none', () => {
  const sockets = new Set<Socket>()
  let server: Server
  let act: (socket: Socket, request: Buffer) => void = () => {}
  const heard: Buffer[] = []
  before(async () => {
    server = createServer(socket => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('data', (data: Buffer) => { heard.push(data); act(socket, data) })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const url = () => `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`
  /** LDAPMessage { messageID, [APPLICATION tag] LDAPResult { success, "", "" } } */
  const success = (id: number, tag: number) => Buffer.from([0x30, 0x0C, 0x02, 0x01, id, tag, 0x07, 0x0A, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00])
  const question = withPassword('alice', 'secret password')

  for (const [name, words, behaviour] of [
    ['says nothing', /no answer in time/, () => {}],
    ['speaks HTTP', /no answer in time/, socket => { socket.write('HTTP/1.1 400 Bad Request\r\n\r\n') }],
    ['says noise', /no answer in time/, socket => { socket.write(Buffer.alloc(512, 0xA5)) }],
    ['announces two gigabytes', /no answer in time/, socket => { socket.write(Buffer.from([0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF, 0x02, 0x01, 0x02])) }],
    ['sends without end', /an answer of more than 1048576 bytes/, socket => { socket.write(Buffer.concat([Buffer.from([0x30, 0x84, 0x7F, 0xFF, 0xFF, 0xFF]), Buffer.alloc(3_000_000)])) }],
    ['hangs up', /closed the connection/, socket => { socket.destroy() }],
  ] as const satisfies readonly (readonly [string, RegExp, typeof act])[]) {
    test(`${name}: it cannot be reached, within request_timeout`, async () => {
      act = behaviour
      const began = performance.now()
      const [answer] = await asked({ servers: [url()], request_timeout: 300 }, question)
      assert.match(String(answer), words)
      assert.doesNotMatch(String(answer), /secret/)
      assert.ok(performance.now() - began < 1_500)
    })
  }
  /** SearchResultDone, without an entry, to the very question; requests are short. */
  const nothingFound = (request: Buffer) => success(request[4] ?? 0, 0x65)
  test('a connection that is found closed when the next question is sent: it is asked again on a new one', async () => {
    const questions = new Map<Socket, number>()
    act = (socket, request) => {
      questions.set(socket, (questions.get(socket) ?? 0) + 1)
      if (questions.get(socket) === 1) socket.write(nothingFound(request))
      else socket.destroy()
    }
    const { rootdn: _dn, password_file: _file, ...anonymous } = usual
    const backend = await LdapBackend.create({ ...anonymous, servers: [url()] }, surroundings)
    for (let round = 0; round < 3; round += 1) assert.equal((await backend.verify(withCertificate('alice'), domain)).ok, false)
    assert.equal(questions.size, 3)
    await backend.close()
  })
  test('a connection has one socket for its whole life: lost, it says nothing more to anybody', async () => {
    const ldapts = await import('ldapts')
    const { port } = server.address() as AddressInfo
    const connection = await LdapConnection.open(ldapts, { host: '127.0.0.1', port, encryption: 'none' }, {}, null, new AbortController().signal)
    act = (socket, request) => { socket.end(nothingFound(request)) }
    const search = () => connection.search('dc=example', { kind: 'present', attribute: 'uid' }, [])
    assert.deepEqual(await search(), [])
    while (connection.isUsable) await settled()
    const before = sockets.size
    await assert.rejects(search(), /closed/)
    for (let round = 0; round < 20; round += 1) await settled()
    assert.equal(sockets.size, before)
  })
  test('a beginning of a later answer, put in the clear behind the answer to StartTLS, ends the connection', async () => {
    act = socket => { socket.write(Buffer.concat([success(2, 0x78), success(3, 0x61).subarray(0, 12)])) }
    heard.length = 0
    const [answer] = await asked({ servers: [url()], encrypt: 'starttls', request_timeout: 300 }, question)
    assert.match(String(answer), /something in the clear after the answer to StartTLS/)
    assert.equal(heard.length, 1, 'nothing was said after StartTLS')
  })
  test('a server that refuses StartTLS hears no password', async () => {
    act = socket => { socket.write(Buffer.from([0x30, 0x0C, 0x02, 0x01, 0x02, 0x78, 0x07, 0x0A, 0x01, 0x34, 0x04, 0x00, 0x04, 0x00])) }
    heard.length = 0
    const [answer] = await asked({ servers: [url()], encrypt: 'starttls', request_timeout: 300 }, question)
    assert.match(String(answer), /result code 52/)
    assert.equal(Buffer.concat(heard).includes('search'), false)
    assert.equal(heard.length, 1)
  })
})
