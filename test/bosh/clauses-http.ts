// XEP-0124 §5 and §6: HTTP and the <body/> wrapper.
import assert from 'node:assert/strict'
import { createConnection } from 'node:net'
import { parse } from '../../src/xml/parse.ts'
import { bodyText, NS_HTTPBIND } from '../support/bosh-client.ts'
import type { AnyClause } from './clause.ts'
import { empty, listeners, message, quiet, terminates, textsIn, type World } from './world.ts'

const session = (attributes: Readonly<Record<string, string | null>> = {}): string =>
  bodyText({ rid: '77', to: 'localhost', wait: '60', hold: '1', ver: '1.11', ...attributes })

/** Everything that comes on a plain connection until it ends. */
async function conversation({ gateway }: World, bytes: string): Promise<string> {
  const { ip, port } = gateway.listening[listeners.plain]!
  const socket = createConnection({ host: ip, port })
  socket.end(bytes)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** A session is opened with this header field beside the usual ones, or instead of one of them. */
const openedWith = (headers: Readonly<Record<string, string | null>>) => async (world: World): Promise<void> => {
  const { status, body, headers: answered } = await world.connect().request({ content: session(), headers }).answer
  assert.equal(status, 200)
  assert.ok(body.attributes.has('sid'))
  assert.equal(answered['content-type'], 'text/xml; charset=utf-8')
}

const refusedAs = (content: string | Uint8Array) => async (world: World): Promise<void> => {
  terminates(await world.connect().post(content), 'bad-request')
}

export const httpClauses: readonly AnyClause[] = [
  {
    section: 'XEP-0124 §5', level: 'MUST', clause: 'requests and responses are those of HTTP/1.1: persistent connections, lengths stated',
    async test(world) {
      const connections = world.connect({ connections: 1 })
      const { headers } = await connections.post(session())
      assert.equal(Number(headers['content-length']) > 100, true)
      assert.equal(headers.connection, 'keep-alive')
    },
  },
  {
    section: 'XEP-0124 §5', level: 'MUST', clause: 'and those of HTTP/1.0: one request to a connection, which ends with the response',
    async test(world) {
      const body = session()
      const answer = await conversation(world, `POST /http-bind HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
      const [head = '', content = ''] = answer.split('\r\n\r\n', 2)
      assert.match(head, /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(head, /^connection: close\r?$/im)
      assert.ok(parse(Buffer.from(content)).attributes.has('sid'))
    },
  },
  { section: 'XEP-0124 §5', level: 'SHOULD', clause: 'header fields that mean nothing here are ignored',
    test: openedWith({ Cookie: 'a=b', 'X-Requested-With': 'nothing', Accept: 'image/png' }) },
  {
    section: 'XEP-0124 §5', level: 'SHOULD NOT', clause: 'no chunked transfer coding in responses, not even where the request has it',
    async test(world) {
      const { headers, body } = await world.connect().request({ content: session(), headers: { 'Content-Length': null, 'Transfer-Encoding': 'chunked' } }).answer
      assert.equal(headers['transfer-encoding'], undefined)
      assert.ok(body.attributes.has('sid'))
    },
  },
  {
    section: 'XEP-0124 §5', level: 'MAY', clause: 'compress a response for a client that sent Accept-Encoding',
    exception: 'never done: strangers\' words beside secrets in one compressed response give the secrets away, and stanzas are small',
  },
  { section: 'XEP-0124 §5', level: 'SHOULD', clause: 'the Content-Type of a request is ignored: another one',
    test: openedWith({ 'Content-Type': 'application/x-www-form-urlencoded' }) },
  { section: 'XEP-0124 §5', level: 'SHOULD', clause: 'the Content-Type of a request is ignored: one that is malformed',
    test: openedWith({ 'Content-Type': 'no type at all;;' }) },
  { section: 'XEP-0124 §5', level: 'SHOULD', clause: 'the Content-Type of a request is ignored: none', test: openedWith({ 'Content-Type': null }) },

  {
    section: 'XEP-0124 §6', level: 'MUST', clause: 'a response holds a single <body/> in the namespace of BOSH',
    async test(world) {
      const alice = await world.login('alice')
      for (const { body } of [alice.creation, await alice.restart(), await alice.send('', { type: 'terminate' })]) {
        assert.deepEqual([body.ns, body.local], [NS_HTTPBIND, 'body'])
      }
    },
  },
  {
    section: 'XEP-0124 §6', level: 'MUST', clause: 'nor is anything else taken for a request: another element, another namespace, two wrappers, text behind',
    async test(world) {
      for (const content of ['<body rid=\'1\'/>', '<presence xmlns=\'jabber:client\'/>', `<Body xmlns='${NS_HTTPBIND}' rid='1'/>`,
        `${session()}${session()}`, `${session()}x`, '', ' ', 'to=localhost']) await refusedAs(content)(world)
    },
  },
  { section: 'XEP-0124 §6', level: 'MUST', clause: 'what is no well-formed XML is refused',
    test: refusedAs(`<body xmlns='${NS_HTTPBIND}' rid='1' rid='2' to='localhost'/>`) },
  { section: 'XEP-0124 §6', level: 'SHOULD', clause: 'what does not conform to namespaces in XML is refused',
    test: refusedAs(`<body xmlns='${NS_HTTPBIND}' rid='1' to='localhost' x:y=''/>`) },
  { section: 'XEP-0124 §6', level: 'MUST NOT', clause: 'no partial elements',
    test: refusedAs(`<body xmlns='${NS_HTTPBIND}' rid='1' to='localhost'><stream:stream xmlns:stream='u'></body>`) },
  { section: 'XEP-0124 §6', level: 'MUST NOT', clause: 'no comments',
    test: refusedAs(`<body xmlns='${NS_HTTPBIND}' rid='1' to='localhost'><!-- --></body>`) },
  { section: 'XEP-0124 §6', level: 'MUST NOT', clause: 'no processing instructions',
    test: refusedAs(`<body xmlns='${NS_HTTPBIND}' rid='1' to='localhost'><?a b?></body>`) },
  { section: 'XEP-0124 §6', level: 'MUST NOT', clause: 'no DTD',
    test: refusedAs(`<!DOCTYPE body [<!ENTITY a 'b'>]><body xmlns='${NS_HTTPBIND}' rid='1' to='localhost'/>`) },
  { section: 'XEP-0124 §6', level: 'MUST NOT', clause: 'no references to other entities than the predefined ones',
    test: refusedAs(`<body xmlns='${NS_HTTPBIND}' rid='1' to='&a;'/>`) },
  { section: 'XEP-0124 §6', level: 'MUST NOT', clause: 'no character data in the wrapper itself',
    test: refusedAs(`<body xmlns='${NS_HTTPBIND}' rid='1' to='localhost' ver='1.11'>text</body>`) },
  {
    section: 'XEP-0124 §6', level: 'MUST', clause: 'zero or more complete child elements, white space between them',
    async test(world) {
      const [alice, bob] = [await world.login('alice'), await world.login('bob')]
      const { answer: held } = await bob.hold()
      await alice.hold(`\n ${message(bob.jid, 'one')}\r\n\t${message(bob.jid, 'two')} `)
      assert.deepEqual(textsIn(await held), ['one', 'two'])
    },
  },
  {
    section: 'XEP-0124 §6', level: 'MAY', clause: 'payloads of different namespaces in one wrapper',
    async test(world) {
      const { body } = (await world.open({ identity: await world.gateway.identity('alice'), content: '<auth xmlns=\'urn:ietf:params:xml:ns:xmpp-sasl\' mechanism=\'EXTERNAL\'>=</auth>' })).creation
      assert.deepEqual(body.children.map(({ ns, local }) => `${ns} ${local}`), ['http://etherx.jabber.org/streams features', 'urn:ietf:params:xml:ns:xmpp-sasl success'])
    },
  },
  {
    section: 'XEP-0124 §6', level: 'MUST', clause: 'every request has a rid',
    async test(world) {
      terminates(await world.connect().post(session({ rid: null })), 'bad-request')
      const alice = await world.open()
      terminates(await alice.send('', { rid: null }), 'bad-request')
    },
  },
  {
    section: 'XEP-0124 §4', level: 'SHOULD', clause: 'a request that comes while another is held frees that one: the connections change roles',
    async test(world) {
      const alice = await world.login('alice')
      const { answer: held } = await alice.hold()
      const { answer: next } = await alice.hold(quiet)
      empty(await held)
      assert.equal(await world.turnUntil(next), 60_000)
    },
  },
]
