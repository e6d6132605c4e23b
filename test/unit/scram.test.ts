/** SCRAM: the exchange as RFC 5802 and RFC 7677 show it, what must fail, and what an account that does not exist looks like. */
import assert from 'node:assert/strict'
import { createHmac, pbkdf2Sync } from 'node:crypto'
import { describe, test } from 'node:test'
import type { AuthBackend } from '../../src/auth/backend.ts'
import { BackendDispatch } from '../../src/auth/dispatch.ts'
import { deriveScramSecret, type ScramHash } from '../../src/auth/scram-secret.ts'
import type { ChannelBindings } from '../../src/sasl/channel-binding.ts'
import type { SaslFailure } from '../../src/sasl/mechanism.ts'
import { downgradeHash } from '../../src/sasl/scram-proof.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { bare } from '../support/external-certificate.ts'
import { decoys, passwordLogin, RememberedAccounts } from '../support/password-login.ts'
import { accounts, attempt, begin, conditionOf, contextOf, host, nothingAdvertised, password, textOf } from '../support/scram-attempt.ts'
import { ScramClient } from '../support/scram-client.ts'
import { TurnedClock } from '../support/turned-clock.ts'

const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64')
const bytes = (text: string): Uint8Array => Buffer.from(text)
const client = (options: Partial<ConstructorParameters<typeof ScramClient>[0]> = {}) => new ScramClient({ hash: 'sha256', username: 'alice', password, ...options })

describe('the exchanges that the documents show, byte for byte', () => {
  const shown = [
    {
      document: 'RFC 5802 §5', key: 'scram_sha1', hash: 'sha1', salt: 'QSXCR+Q6sek8bf92', nonce: '3rfcNHYJY1ZVvWVs7j',
      messages: ['n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL', 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
        'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=', 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ='],
    },
    {
      document: 'RFC 7677 §3', key: 'scram_sha256', hash: 'sha256', salt: 'W22ZaJ0SNY7soEsUEjb6gQ==', nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
      messages: ['n,,n=user,r=rOprNGfwEbeRWgbNEkqO', 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
        'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='],
    },
  ] as const
  for (const { document, key, hash, salt, nonce, messages: [first, serverFirst, final, serverFinal] } of shown) {
    test(document, async () => {
      const backend = new RememberedAccounts({})
      backend.keep('user@example.net', hash, await deriveScramSecret(hash, 'pencil', Buffer.from(salt, 'base64'), 4_096))
      const exchange = begin(key, contextOf({ backend, ...passwordLogin({ newNonce: () => nonce }) }))
      assert.equal(textOf(await exchange.step(bytes(first))), serverFirst)
      const step = await exchange.step(bytes(final))
      assert.equal(textOf(step), serverFinal)
      assert.deepEqual(step.kind === 'success' && step.principal, { account: 'user@example.net', domain: host, mechanism: key === 'scram_sha1' ? 'SCRAM-SHA-1' : 'SCRAM-SHA-256', certificate: null })
      assert.equal(step.kind === 'success' && step.backend, 'remembered')
    })
  }

  test('XEP-0474 §5.3: the hash of its mechanisms and channel bindings, and a whole exchange with an extension in the last message', async () => {
    const advertised = { mechanisms: ['SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS'], channelBindings: ['tls-server-end-point', 'tls-exporter'] } as const
    const backend = new RememberedAccounts({})
    backend.keep('user@example.net', 'sha1', await deriveScramSecret('sha1', 'pencil', Buffer.from('QSXCR+Q6sek8bf92', 'base64'), 4_096))
    const bindings: ChannelBindings = { tlsExporter: bytes('THIS IS FAKE CB DATA'), tlsServerEndPoint: bytes('x') }
    const context = contextOf({ backend, channelBindings: () => bindings, ...passwordLogin({ newNonce: () => 'a09117a6-ac50-4f2f-93f1-93799c2bddf6' }) })
    const exchange = begin('scram_sha1_plus', context, advertised)
    assert.equal(textOf(await exchange.step(bytes('p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6'))),
      'r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=')
    const final = 'c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,'
      + 'x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4='
    assert.equal(textOf(await exchange.step(bytes(final))), 'v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=')
  })

  test('XEP-0474 §5.1: without channel bindings there is no second list', () => {
    assert.notEqual(downgradeHash('sha256', { mechanisms: ['A', 'B'], channelBindings: [] }), downgradeHash('sha256', { mechanisms: ['A', 'B'], channelBindings: ['tls-exporter'] }))
    assert.equal(downgradeHash('sha256', { mechanisms: ['B', 'A'], channelBindings: [] }), downgradeHash('sha256', { mechanisms: ['A', 'B'], channelBindings: [] }))
  })
})

describe('a client of its own making logs in', () => {
  for (const [key, hash] of [['scram_sha1', 'sha1'], ['scram_sha256', 'sha256'], ['scram_sha512', 'sha512']] as const) {
    test(`${key}: with the right password, and it learns that the server knows it`, async () => {
      const alice = client({ hash, advertised: { mechanisms: ['EXTERNAL', 'SCRAM-SHA-1'], channelBindings: [] } })
      const step = await attempt(begin(key, contextOf(), { mechanisms: ['EXTERNAL', 'SCRAM-SHA-1'], channelBindings: [] }), alice)
      assert.ok(alice.isServer(textOf(step)))
    })
    test(`${key}: not with a wrong password`, async () => {
      assert.equal(conditionOf(await attempt(begin(key), client({ hash, password: 'wrong' }))), 'not-authorized')
    })
  }

  test('names and passwords in any script, with commas and equals signs, prepared as RFC 8265 says', async () => {
    const backend = new RememberedAccounts({ 'jürgen@example.net': 'p=1,q=ß☃', 'a=b@example.net': 'x' })
    assert.equal(conditionOf(await attempt(begin('scram_sha256', contextOf({ backend })), client({ username: 'JÜRGEN', password: 'p=1,q=ß☃' }))), 'success')
    assert.equal(conditionOf(await attempt(begin('scram_sha256', contextOf({ backend })), client({ username: 'a=b', password: 'x' }))), 'success')
  })

  test('an authzid that is the user, or the domain alone, is the user', async () => {
    for (const authzid of ['alice@example.net', 'ALICE@example.net', 'example.net']) {
      assert.equal(conditionOf(await attempt(begin('scram_sha256'), client({ authzid }))), 'success', authzid)
    }
  })

  test('without an initial response there is one empty challenge first (RFC 4422 §5.1)', async () => {
    const exchange = begin('scram_sha256')
    assert.equal(textOf(await exchange.step(null)), '')
    assert.equal(conditionOf(await attempt(exchange, client())), 'success')
  })

  test('what it sends as extensions is ignored, and proved', async () => {
    assert.equal(conditionOf(await attempt(begin('scram_sha256'), client({ extensions: { first: 'x=1,y==,z= ', final: 'x=☃' } }))), 'success')
  })

  test('the server\'s part of the nonce is its own, and new every time', async () => {
    const nonces = ['one', 'two']
    const context = contextOf(passwordLogin({ newNonce: () => nonces.shift() ?? assert.fail() }))
    for (const nonce of ['one', 'two']) {
      const alice = client({ nonce: 'mine' })
      assert.match(textOf(await begin('scram_sha256', context).step(bytes(alice.first()))), new RegExp(`^r=mine${nonce},`))
    }
  })
})

describe('a first message that RFC 5802 does not know fails the authentication', () => {
  const bad: readonly (readonly [string, string | Uint8Array, string])[] = [
    ['nothing', '', 'malformed-request'],
    ['a flag and no more', 'n', 'malformed-request'],
    ['an unknown flag', 'x,,n=alice,r=abc', 'malformed-request'],
    ['a capital flag', 'N,,n=alice,r=abc', 'malformed-request'],
    ['no user', 'n,,r=abc', 'malformed-request'],
    ['an empty user', 'n,,n=,r=abc', 'malformed-request'],
    ['no nonce', 'n,,n=alice', 'malformed-request'],
    ['an empty nonce', 'n,,n=alice,r=', 'malformed-request'],
    ['a nonce with a space', 'n,,n=alice,r=a b', 'malformed-request'],
    ['a nonce beyond ASCII', 'n,,n=alice,r=ä', 'malformed-request'],
    ['the two the wrong way round', 'n,,r=abc,n=alice', 'malformed-request'],
    ['a mandatory extension (§5.1)', 'n,,m=x,n=alice,r=abc', 'malformed-request'],
    ['a mandatory extension at the end', 'n,,n=alice,r=abc,m=x', 'malformed-request'],
    ['a second user', 'n,,n=alice,r=abc,n=bob', 'malformed-request'],
    ['an extension that is none', 'n,,n=alice,r=abc,xyz', 'malformed-request'],
    ['an empty extension', 'n,,n=alice,r=abc,', 'malformed-request'],
    ['an equals sign that is not escaped (§5.1)', 'n,,n=al=ice,r=abc', 'malformed-request'],
    ['an escape of something else', 'n,,n=al=41ice,r=abc', 'malformed-request'],
    ['an escape in small letters', 'n,,n=al=2cice,r=abc', 'malformed-request'],
    ['an empty authzid', 'n,a=,n=alice,r=abc', 'malformed-request'],
    ['something else in its place', 'n,b=alice,n=alice,r=abc', 'malformed-request'],
    ['NUL', 'n,,n=al\0ice,r=abc', 'malformed-request'],
    ['bytes that are not UTF-8', Buffer.from([0x6E, 0x2C, 0x2C, 0x6E, 0x3D, 0xFF]), 'malformed-request'],
    ['a byte order mark', '\uFEFFn,,n=alice,r=abc', 'malformed-request'],
    ['an authzid that is no JID', 'n,a=a@@b,n=alice,r=abc', 'invalid-authzid'],
    ['an authzid of another user', 'n,a=bob@example.net,n=alice,r=abc', 'invalid-authzid'],
    ['an authzid of the same name elsewhere', 'n,a=alice@example.org,n=alice,r=abc', 'invalid-authzid'],
    ['an authzid with a resource', 'n,a=alice@example.net/home,n=alice,r=abc', 'invalid-authzid'],
    ['a name that nobody can have', 'n,,n=alice@example.net,r=abc', 'not-authorized'],
    ['a channel binding without -PLUS', 'p=tls-exporter,,n=alice,r=abc', 'malformed-request'],
    ['a channel binding without a name', 'p=,,n=alice,r=abc', 'malformed-request'],
    ['a channel binding with an odd name', 'p=tls exporter,,n=alice,r=abc', 'malformed-request'],
  ]
  for (const [what, message, condition] of bad) {
    test(`${what}: ${condition}, no backend is asked, and the exchange is over`, async () => {
      const backend = accounts()
      const exchange = begin('scram_sha256', contextOf({ backend }))
      const step = await exchange.step(Buffer.from(message))
      assert.equal(conditionOf(step), condition)
      if (what.includes('mandatory extension (')) assert.match((step as SaslFailure).reason, /demands an extension/)
      assert.deepEqual(backend.asked, [])
      assert.equal(conditionOf(await exchange.step(bytes('n,,n=alice,r=abc'))), 'malformed-request')
    })
  }
})

describe('a last message that does not fit fails the authentication', () => {
  const replaceProof = (to: string) => (final: string) => final.replace(/p=.*$/, `p=${to}`)
  const bad: readonly (readonly [string, (final: string) => string, string])[] = [
    ['nothing', () => '', 'malformed-request'],
    ['no proof', final => final.replace(/,p=.*$/, ''), 'malformed-request'],
    ['a proof that is no base64', replaceProof('!!!!'), 'malformed-request'],
    ['a proof in base64 with bits left over', replaceProof('YR=='), 'malformed-request'],
    ['an empty proof', replaceProof(''), 'malformed-request'],
    ['a short proof', replaceProof('YWJj'), 'not-authorized'],
    ['a long proof', replaceProof(base64(Buffer.alloc(64))), 'not-authorized'],
    ['the right proof, and a byte more', final => final.replace(/p=(.*)$/, (_, proof: string) => `p=${base64(Buffer.concat([Buffer.from(proof, 'base64'), Buffer.of(0)]))}`), 'not-authorized'],
    ['a proof of zeros', replaceProof(base64(Buffer.alloc(32))), 'not-authorized'],
    ['another nonce', final => final.replace('r=', 'r=x'), 'not-authorized'],
    ['the client\'s nonce alone', final => final.replace('nonceOfTheServer', ''), 'not-authorized'],
    ['a longer nonce', final => final.replace('nonceOfTheServer', 'nonceOfTheServerx'), 'not-authorized'],
    ['another GS2 header', final => final.replace('c=biws', `c=${base64('y,,')}`), 'not-authorized'],
    ['channel binding data where there is none', final => final.replace('c=biws', `c=${base64('n,,x')}`), 'not-authorized'],
    ['no channel binding', final => final.replace('c=biws,', ''), 'malformed-request'],
    ['an empty channel binding', final => final.replace('c=biws', 'c='), 'malformed-request'],
    ['a mandatory extension', final => final.replace(',p=', ',m=x,p='), 'malformed-request'],
    ['a second proof', final => final.replace(',p=', ',p=YWJj,p='), 'malformed-request'],
    ['an extension that was not proved', final => final.replace(',p=', ',x=1,p='), 'not-authorized'],
    ['something after the proof', final => `${final},x=1`, 'malformed-request'],
    ['the first message again', () => 'n,,n=alice,r=abc', 'malformed-request'],
  ]
  for (const [what, spoil, condition] of bad) {
    test(`${what}: ${condition}, and the exchange is over`, async () => {
      const exchange = begin('scram_sha256')
      const alice = client()
      assert.equal(conditionOf(await attempt(exchange, alice, spoil)), condition)
      assert.equal(conditionOf(await exchange.step(bytes('c=biws,r=abc,p=YWJj'))), 'malformed-request')
    })
  }

  test('another nonce, though the proof is made for it (§5.1)', async () => {
    const alice = client()
    const serverFirst = textOf(await begin('scram_sha256').step(bytes(alice.first())))
    const secret = await deriveScramSecret('sha256', password, Buffer.from(/s=([^,]*)/.exec(serverFirst)![1]!, 'base64'), 4_096)
    const clientKey = createHmac('sha256', pbkdf2Sync(password, secret.salt, 4_096, 32, 'sha256')).update('Client Key').digest()
    for (const [nonce, condition] of [['another', 'not-authorized'], [`${alice.nonce}nonceOfTheServer`, 'success']] as const) {
      const again = begin('scram_sha256')
      assert.equal(textOf(await again.step(bytes(alice.first()))), serverFirst)
      const withoutProof = `c=biws,r=${nonce}`
      const signature = createHmac('sha256', secret.storedKey).update(`${alice.first().slice(3)},${serverFirst},${withoutProof}`).digest()
      const step = await again.step(bytes(`${withoutProof},p=${base64(clientKey.map((byte, index) => byte ^ signature[index]!))}`))
      assert.equal(conditionOf(step), condition)
    }
  })

  test('the proof of another exchange', async () => {
    let recorded = ''
    await attempt(begin('scram_sha256', contextOf(passwordLogin({ newNonce: () => 'first' }))), client({ nonce: 'same' }), final => { recorded = final; return final })
    assert.equal(conditionOf(await attempt(begin('scram_sha256', contextOf(passwordLogin({ newNonce: () => 'other' }))), client({ nonce: 'same' }), () => recorded)), 'not-authorized')
  })

  test('after success there is nothing more to say', async () => {
    const exchange = begin('scram_sha256')
    assert.equal(conditionOf(await attempt(exchange, client())), 'success')
    assert.equal(conditionOf(await exchange.step(bytes(''))), 'malformed-request')
  })
})

describe('channel binding (RFC 5802 §6)', () => {
  const bindings: ChannelBindings = { tlsExporter: Buffer.alloc(32, 1), tlsServerEndPoint: Buffer.alloc(32, 2) }
  const bound = contextOf({ channelBindings: () => bindings })
  const offered = { mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'], channelBindings: ['tls-exporter', 'tls-server-end-point'] } as const
  const exporter = { type: 'tls-exporter', data: Buffer.alloc(32, 1) }
  const endPoint = { type: 'tls-server-end-point', data: Buffer.alloc(32, 2) }

  for (const binding of [exporter, endPoint]) {
    test(`${binding.type}: bound to this connection, it succeeds; to another one it does not, and the client hears why`, async () => {
      const alice = client({ binding, advertised: offered })
      const step = await attempt(begin('scram_sha256_plus', bound, offered), alice)
      assert.equal(step.kind === 'success' && step.principal.mechanism, 'SCRAM-SHA-256-PLUS')
      for (const data of [Buffer.alloc(32, 9), Buffer.alloc(31, binding.data[0]), Buffer.alloc(33, binding.data[0]), Buffer.alloc(0)]) {
        const elsewhere = await attempt(begin('scram_sha256_plus', bound, offered), client({ binding: { ...binding, data } })) as SaslFailure
        assert.equal(elsewhere.condition, 'not-authorized')
        assert.match(elsewhere.text ?? '', /in between/)
      }
    })
  }

  test('the data of one type under the name of the other is refused', async () => {
    assert.equal(conditionOf(await attempt(begin('scram_sha256_plus', bound, offered), client({ binding: { ...exporter, type: endPoint.type } }))), 'not-authorized')
  })

  test('a type that is not there: tls-unique, tls-exporter without TLS 1.3, and any where TLS ends elsewhere', async () => {
    const backend = accounts()
    const of = (channelBindings: ChannelBindings) => contextOf({ backend, channelBindings: () => channelBindings })
    const cases = [['tls-unique', of(bindings)], ['tls-exporter', of({ ...bindings, tlsExporter: null })], ['tls-server-end-point', of({ tlsExporter: null, tlsServerEndPoint: null })],
      ['constructor', of(bindings)]] as const
    for (const [type, context] of cases) {
      assert.equal(conditionOf(await attempt(begin('scram_sha256_plus', context, offered), client({ binding: { type, data: Buffer.alloc(0) } }))), 'not-authorized', type)
    }
    assert.deepEqual(backend.asked, [])
  })

  test('"y" where -PLUS was offered is a downgrade: somebody took the offer away', async () => {
    const step = await attempt(begin('scram_sha256', bound, offered), client({ binding: 'y' })) as SaslFailure
    assert.equal(step.condition, 'not-authorized')
    assert.match(step.text ?? '', /changed what was offered/)
  })

  test('"y" where none was offered, and "n" anywhere, go on', async () => {
    assert.equal(conditionOf(await attempt(begin('scram_sha256', contextOf(), { mechanisms: ['SCRAM-SHA-256'], channelBindings: [] }), client({ binding: 'y' }))), 'success')
    assert.equal(conditionOf(await attempt(begin('scram_sha256', bound, offered), client({ binding: 'n' }))), 'success')
  })

  test('-PLUS without a channel binding is the mechanism without -PLUS where that is offered too, and is told as that', async () => {
    const step = await attempt(begin('scram_sha256_plus', bound, offered), client({ binding: 'n' }))
    assert.equal(step.kind === 'success' && step.principal.mechanism, 'SCRAM-SHA-256')
  })

  test('-PLUS without a channel binding is malformed-request where only -PLUS is offered, and with "y" everywhere', async () => {
    const onlyPlus = { ...offered, mechanisms: ['SCRAM-SHA-256-PLUS'] } as const
    for (const binding of ['n', 'y'] as const) assert.equal(conditionOf(await attempt(begin('scram_sha256_plus', bound, onlyPlus), client({ binding }))), 'malformed-request')
    assert.equal(conditionOf(await attempt(begin('scram_sha256_plus', bound, offered), client({ binding: 'y' }))), 'malformed-request')
  })

  test('a list that was changed on its way is seen by the client (XEP-0474 §5.2)', async () => {
    await assert.rejects(attempt(begin('scram_sha256', bound, offered), client({ advertised: { mechanisms: ['SCRAM-SHA-256'], channelBindings: [] } })), /somebody changed/)
  })
})

describe('an account that does not exist cannot be told from one whose password is wrong', () => {
  const spied = async (username: string, hash: ScramHash = 'sha256', key: 'scram_sha256' | 'scram_sha1' | 'scram_sha512' = 'scram_sha256') => {
    const backend = accounts()
    const exchange = begin(key, contextOf({ backend }), nothingAdvertised)
    const guess = client({ hash, username, password: 'a guess', nonce: 'mine' })
    const serverFirst = textOf(await exchange.step(bytes(guess.first())))
    return { serverFirst, step: await exchange.step(bytes(guess.final(serverFirst))) as SaslFailure, asked: backend.asked.map(question => question.replace(username, 'NAME')) }
  }

  for (const [hash, key] of [['sha1', 'scram_sha1'], ['sha256', 'scram_sha256'], ['sha512', 'scram_sha512']] as const) {
    test(`${key}: the same messages, of the same length, the same questions to the backend, the same answer`, async () => {
      const [real, nobody] = [await spied('alice', hash, key), await spied('alicf', hash, key)]
      assert.match(nobody.serverFirst, /^r=minenonceOfTheServer,s=[A-Za-z0-9+/]{22}==,i=4096$/)
      assert.equal(nobody.serverFirst.length, real.serverFirst.length)
      assert.deepEqual(nobody.asked, real.asked)
      const told = ({ kind, condition, text }: SaslFailure) => ({ kind, condition, text })
      assert.deepEqual(told(nobody.step), told(real.step))
      assert.deepEqual(told(nobody.step), { kind: 'failure', condition: 'not-authorized', text: undefined })
    })
  }

  test('the salt is the same every time, and another one for every name and hash', async () => {
    const saltOf = async (...of: Parameters<typeof spied>) => /s=([^,]*)/.exec((await spied(...of)).serverFirst)?.[1]
    assert.equal(await saltOf('nobody'), await saltOf('nobody'))
    const salts = await Promise.all([saltOf('nobody'), saltOf('nobodz'), saltOf('nobody', 'sha1', 'scram_sha1'), saltOf('nobody', 'sha512', 'scram_sha512')])
    assert.equal(new Set(salts).size, 4)
  })

  test('the log names the account that exists, and no other: a name may be a password in the wrong field', async () => {
    assert.equal((await spied('alice')).step.account, 'alice@example.net')
    const { step } = await spied('hunter2')
    assert.equal(step.account, undefined)
    assert.doesNotMatch(JSON.stringify(step), /hunter2/)
  })

  test('an account that has nothing for this hash is refused in the same way', async () => {
    const backend: AuthBackend = { name: 'old', accepts: new Set(['scram'] as const), verify: () => assert.fail(), scramSecret: () => Promise.resolve({ iterations: 5_000 }) }
    assert.equal(conditionOf(await attempt(begin('scram_sha256', contextOf({ backend })), client())), 'not-authorized')
  })

  test('an account shows one count for all hashes, also for those that it has nothing for, as a name does that nobody has', async () => {
    const kept = await deriveScramSecret('sha1', password, Buffer.alloc(16), 5_000)
    const backend: AuthBackend = {
      name: 'old', accepts: new Set(['scram'] as const), verify: () => assert.fail(),
      scramSecret: (user, hash) => Promise.resolve(!user.startsWith('alice@') ? null : hash === 'sha1' ? kept : { iterations: 5_000 }),
    }
    const elsewhere: AuthBackend = { ...backend, name: 'empty', scramSecret: () => Promise.resolve(null) }
    const backends = new BackendDispatch({ backends: [elsewhere, backend, elsewhere], timeoutMilliseconds: 60_000, clock: new TurnedClock(), log: silentLog })
    const shown = async (username: string) => {
      const keys = ['scram_sha1', 'scram_sha256', 'scram_sha512'] as const
      return Promise.all(keys.map(async key => /,s=(.*),i=(\d+)/.exec(textOf(await begin(key, { ...contextOf(), backends }).step(bytes(client({ username }).first()))))?.slice(1) ?? []))
    }
    const [alice, nobody] = [await shown('alice'), await shown('nobody')]
    assert.deepEqual(alice.map(([, count]) => count), ['5000', '5000', '5000'])
    assert.deepEqual(nobody.map(([, count]) => count), ['4096', '4096', '4096'])
    // The salts are those of decoys, as they were.
    assert.deepEqual(alice.slice(1).map(([salt]) => salt), (['sha256', 'sha512'] as const).map(hash => base64(decoys.salt(bare('alice@example.net'), hash))))
  })

  for (const [what, spoiled] of [
    ['1,000,000,000 iterations', { iterations: 1_000_000_000 }], ['no iterations', { iterations: 0 }], ['half an iteration', { iterations: 4096.5 }],
    ['no salt', { salt: new Uint8Array(0) }], ['a short key', { storedKey: new Uint8Array(5) }],
  ] as const) {
    test(`what a database holds is not taken on trust: ${what} are as good as no account`, async () => {
      const backend = new RememberedAccounts({})
      backend.keep('alice@example.net', 'sha256', { ...await deriveScramSecret('sha256', password, Buffer.alloc(16), 4_096), ...spoiled })
      const exchange = begin('scram_sha256', contextOf({ backend }))
      const alice = client()
      assert.match(textOf(await exchange.step(bytes(alice.first()))), /,i=4096$/)
    })
  }

  test('one iteration is the database\'s own affair, and works', async () => {
    const backend = new RememberedAccounts({})
    backend.keep('alice@example.net', 'sha256', await deriveScramSecret('sha256', password, Buffer.alloc(16), 1))
    assert.equal(conditionOf(await attempt(begin('scram_sha256', contextOf({ backend })), client())), 'success')
  })

  test('not even the proof that a decoy would take is a success', async () => {
    const decoyed = await deriveScramSecret('sha256', password, Buffer.alloc(16), 4_096)
    const context = contextOf({ backend: new RememberedAccounts({}), decoys: { scramSecret: () => decoyed } })
    assert.equal(conditionOf(await attempt(begin('scram_sha256', context), client())), 'not-authorized')
  })
})

describe('backends', () => {
  test('one that cannot be reached is temporary-auth-failure', async () => {
    const backend: AuthBackend = { name: 'away', accepts: new Set(['scram'] as const), verify: () => assert.fail(), scramSecret: () => Promise.reject(new Error('no route')) }
    assert.equal(conditionOf(await attempt(begin('scram_sha256', contextOf({ backend })), client())), 'temporary-auth-failure')
  })

  test('where none judges such proofs, a client that tries all the same is told invalid-mechanism', async () => {
    const backend: AuthBackend = { name: 'certificates', accepts: new Set(['certificate'] as const), verify: () => ({ ok: true }) }
    assert.equal(conditionOf(await attempt(begin('scram_sha256', contextOf({ backend })), client())), 'invalid-mechanism')
  })
})
