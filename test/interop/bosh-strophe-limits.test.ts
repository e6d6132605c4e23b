// What strophe.js 5 does on a bad network by itself, without any server: why bosh-faults.test.ts helps it in two places.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { DOMParser } from '@xmldom/xmldom'
import { $msg, Strophe } from 'strophe.js'
import { inOrder } from './counting-talkers.ts'

/** An XMLHttpRequest whose fate the test decides. */
class FatefulRequest {
  static sent: FatefulRequest[] = []
  readyState = 0
  status = 0
  responseText = ''
  responseXML: unknown = null
  rid = 0
  onreadystatechange = (): void => undefined

  open(): void { this.#change(1) }
  getAllResponseHeaders(): string { return '' }
  setRequestHeader(): void { /* nobody reads them */ }
  abort(): void { /* nobody waits for it */ }
  send(body: string): void {
    this.rid = Number(/ rid="(\d+)"/.exec(body)?.[1])
    FatefulRequest.sent.push(this)
  }

  answer(id: string): void {
    this.status = 200
    this.responseText = `<body xmlns='http://jabber.org/protocol/httpbind'><message xmlns='jabber:client' id='${id}'/></body>`
    this.responseXML = new DOMParser().parseFromString(this.responseText, 'text/xml')
    this.#change(4)
  }

  fail(): void { this.#change(4) }

  #change(state: number): void {
    this.readyState = state
    this.onreadystatechange()
  }
}

/** In the middle of a session, with two requests under way: rid 100 and rid 101. */
function twoRequests(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  Object.assign(globalThis, { XMLHttpRequest: FatefulRequest })
  FatefulRequest.sent = []
  const connection = new Strophe.Connection('https://localhost/http-bind')
  connection.attach('romeo@localhost/r', 'sid', 100, () => undefined, 1, 1, 5)
  const heard: string[] = []
  connection.addHandler((message: { getAttribute(name: string): string }) => {
    heard.push(message.getAttribute('id'))
    return true
  }, '', 'message')
  for (let request = 0; request < 2; request += 1) {
    connection.send($msg({ to: 'juliet@localhost' }))
    t.mock.timers.tick(100)
  }
  assert.deepEqual(FatefulRequest.sent.map(({ rid }) => rid), [100, 101])
  return { connection, heard }
}

const latest = (rid: number): FatefulRequest => {
  const request = FatefulRequest.sent.findLast(sent => sent.rid === rid)
  assert.ok(request !== undefined)
  return request
}

test('strophe.js processes responses as they come, though XEP-0124 §14.2 wants the order of the requests', t => {
  const { heard } = twoRequests(t)
  latest(100).fail()
  latest(101).answer('second')
  latest(100).answer('first')
  assert.deepEqual(heard, ['second', 'first'])
})

test('with the response that comes too early kept back, it hears them in order', t => {
  const { connection, heard } = twoRequests(t)
  inOrder(connection)
  // Requests are bound to the old way when they are made: the two that are under way get their answers first.
  latest(100).answer('0')
  latest(101).answer('1')
  for (let request = 0; request < 2; request += 1) {
    connection.send($msg({ to: 'juliet@localhost' }))
    t.mock.timers.tick(100)
  }
  latest(102).fail()
  latest(103).answer('second')
  assert.deepEqual(heard, ['0', '1'])
  latest(102).answer('first')
  assert.deepEqual(heard, ['0', '1', 'first', 'second'])
})

for (const [maxRetries, isForgotten] of [[5, true], [1_000, false]] as const) {
  test(`strophe.js with maxRetries ${maxRetries} ${isForgotten ? 'forgets a request without a word when it has failed six times' : 'repeats a request that has failed six times'}`, t => {
    const { connection } = twoRequests(t)
    connection.maxRetries = maxRetries
    for (let failures = 0; failures < 6; failures += 1) {
      latest(100).fail()
      // Another request gets through meanwhile, so that the failures are not five in a row, which would end the session.
      if (failures === 3) latest(101).answer('meanwhile')
      t.mock.timers.tick(2_000)
    }
    assert.ok(connection.connected)
    const requests = (connection as unknown as { readonly _proto: { readonly _requests: readonly { readonly rid: number }[] } })._proto._requests
    assert.equal(requests.some(({ rid }) => rid === 100), !isForgotten)
  })
}
