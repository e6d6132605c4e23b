/** What every Transport promises its stream, whatever the wire looks like: run it on each implementation. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Transport, TransportEvents } from '../../src/stream/transport.ts'
import type { Element } from '../../src/xml/element.ts'
import { text, tag } from '../../src/xml/write.ts'
import { NS_CLIENT } from '../../src/xmpp/namespaces.ts'
import type { StreamError } from '../../src/xmpp/stream-error.ts'

/** The other end, in the words of streams. What is sent in one call arrives as closely together as the wire allows. */
export interface TransportPeer {
  /** Each is `header`, `footer` or the XML of an element that declares its namespaces. */
  send(...things: readonly string[]): void
  /** Ends the connection without a goodbye. */
  vanish(): void
  /** The next thing from the server: `header`, `footer`, or an element; null at the end of the connection. */
  next(): Promise<'header' | 'footer' | Element | null>
}

/** What a wire may differ in. */
export interface TransportTraits {
  /** XML that no stream may carry is refused with the whole message that it came in, before there is a stream to tell: no fault. */
  readonly refusesBadXmlItself: boolean
  /** The wire says where an element ends: half of one is a fault, not the beginning of one. */
  readonly delimitsElements: boolean
}

export interface TransportUnderTest {
  /** Nobody has called `listen` yet, and nothing was read. */
  readonly transport: Transport
  readonly peer: TransportPeer
  readonly cleanUp: () => Promise<void>
}

/** Writes down what is reported, and does what the test wants at each event. */
class Listener implements TransportEvents {
  readonly reported: string[] = []
  readonly #act: (what: string) => void
  #awaited: { readonly count: number, readonly resolve: () => void } | null = null

  constructor(act: (what: string) => void = () => undefined) { this.#act = act }

  header({ to }: { readonly to: string | null }): void { this.#note(`header ${to ?? ''}`) }
  inbound(element: { attribute(name: string): string | null, readonly local: string }): void { this.#note(`${element.local} ${element.attribute('id') ?? ''}`) }
  fault(error: StreamError): void { this.#note(`fault ${error.condition}`) }
  footer(): void { this.#note('footer') }
  lost(): void { this.#note('lost') }

  /** Resolves when so many events have been reported. */
  reached(count: number): Promise<void> {
    if (this.reported.length >= count) return Promise.resolve()
    return new Promise(resolve => { this.#awaited = { count, resolve } })
  }

  #note(what: string): void {
    this.reported.push(what)
    this.#act(what)
    if (this.#awaited !== null && this.reported.length >= this.#awaited.count) this.#awaited.resolve()
  }
}

const message = (id: string): string => `<message xmlns='${NS_CLIENT}' id='${id}'/>`
const outbound = (id: string) => tag('message', { xmlns: NS_CLIENT, id }, tag('body', {}, text('\u{1F600} & <')))
const idOf = (thing: 'header' | 'footer' | Element | null): string => thing === null ? 'end' : typeof thing === 'string' ? thing : thing.attributes.get('id') ?? ''

export function transportContract(title: string, make: () => Promise<TransportUnderTest>, { refusesBadXmlItself, delimitsElements }: TransportTraits): void {
  const on = (what: string, body: (under: TransportUnderTest) => Promise<void>) => void test(what, async () => {
    const under = await make()
    try {
      await body(under)
    } finally {
      await under.cleanUp()
    }
  })

  /** Hears what is left, until the connection has ended. */
  async function untilTheEnd(peer: TransportPeer): Promise<readonly string[]> {
    const heard: string[] = []
    for (;;) {
      const thing = await peer.next()
      if (thing === null) return heard
      heard.push(idOf(thing))
    }
  }

  describe(`Transport contract: ${title}`, () => {
    on('its facts are there from the start, and it has a time for each step of negotiation', async ({ transport }) => {
      assert.match(transport.facts.transport, /^(?:websocket|bosh|tcp)$/)
      assert.ok(transport.facts.remoteAddress.length > 0)
      assert.ok(transport.stateTimeout > 0)
      assert.match(transport.facts.certificate().kind, /^(?:none|refused|accepted)$/)
    })

    on('reports header, elements and footer in the order in which they came, each once', async ({ transport, peer }) => {
      const listener = new Listener(what => { if (what === 'footer') transport.close(null) })
      transport.listen(listener)
      peer.send('header', message('1'), message('2'), message('3'), 'footer')
      await untilTheEnd(peer)
      assert.deepEqual(listener.reported, ['header example.net', 'message 1', 'message 2', 'message 3', 'footer'])
    })

    on('reports nothing after a footer that was answered, neither what the peer still says nor that it goes', async ({ transport, peer }) => {
      const listener = new Listener(what => { if (what === 'footer') transport.close(null) })
      transport.listen(listener)
      peer.send('header', 'footer', message('1'), 'header', 'footer')
      await untilTheEnd(peer)
      assert.deepEqual(listener.reported, ['header example.net', 'footer'])
    })

    on('reports a connection that goes away without a footer as lost, once, and nothing after it', async ({ transport, peer }) => {
      const listener = new Listener()
      transport.listen(listener)
      peer.send('header', message('1'))
      await listener.reached(2)
      peer.vanish()
      await listener.reached(3)
      assert.deepEqual(listener.reported, ['header example.net', 'message 1', 'lost'])
      transport.send(outbound('late'))
      transport.pause(10)
      transport.close(null)
      transport.close(null)
      assert.equal(listener.reported.length, 3)
    })

    on('reports nothing after close, not even what has arrived already', async ({ transport, peer }) => {
      const listener = new Listener(what => { if (what === 'message 1') transport.close(null) })
      transport.listen(listener)
      peer.send('header', message('1'), message('2'), 'footer')
      await untilTheEnd(peer)
      assert.deepEqual(listener.reported, ['header example.net', 'message 1'])
    })

    on('what is sent arrives in order, as it is, before the footer', async ({ transport, peer }) => {
      transport.listen(new Listener(what => {
        if (!what.startsWith('header')) return
        transport.open({ id: 'i', from: 'example.net', to: null, lang: 'en', version: '1.0' })
        transport.send(outbound('1'))
        transport.send(Buffer.from(outbound('2')))
        transport.close(null)
      }))
      peer.send('header')
      assert.equal(await peer.next(), 'header')
      for (const id of ['1', '2']) {
        const element = await peer.next()
        assert.ok(element !== null && typeof element === 'object')
        assert.deepEqual([element.ns, element.local, idOf(element), element.children[0]?.text], [NS_CLIENT, 'message', id, '\u{1F600} & <'])
      }
      assert.equal(await peer.next(), 'footer')
      peer.send('footer')
      assert.equal(await peer.next(), null)
    })

    on('says when what was sent has left, each in order, and never of a connection that has gone', async ({ transport, peer }) => {
      const left: string[] = []
      const listener = new Listener(what => {
        if (what.startsWith('header')) {
          assert.ok(transport.hasRoomFor(100_000_000), 'one who has nothing unread has room for one of any size')
          transport.open({ id: 'i', from: 'example.net', to: null, lang: 'en', version: '1.0' })
          transport.send(outbound('1'))
          assert.ok(!transport.hasRoomFor(500_000), 'half of what may be unread')
          transport.whenSent(() => { left.push('1') })
          transport.send(outbound('2'))
          transport.whenSent(() => { left.push('2') })
          assert.deepEqual(left, [], 'it is still there')
        } else if (what === 'lost') {
          transport.whenSent(() => { left.push('gone') })
        }
      })
      transport.listen(listener)
      peer.send('header')
      assert.equal(await peer.next(), 'header')
      for (const id of ['1', '2']) assert.equal(idOf(await peer.next()), id)
      // Over BOSH what comes next tells.
      peer.send(message('3'))
      await listener.reached(2)
      while (left.length < 2) await new Promise(resolve => { setImmediate(resolve) })
      peer.vanish()
      await listener.reached(3)
      await new Promise(resolve => { setImmediate(resolve) })
      assert.deepEqual(left, ['1', '2'])
    })

    on('close is idempotent, and what is sent after it is harmless and goes nowhere', async ({ transport, peer }) => {
      transport.listen(new Listener(what => {
        if (!what.startsWith('header')) return
        transport.close(null)
        transport.close(null)
        transport.send(outbound('late'))
        transport.open({ id: 'i', from: null, to: null, lang: 'en', version: '1.0' })
        transport.pause(60_000)
      }))
      peer.send('header')
      assert.equal(await peer.next(), 'footer')
      peer.send('footer')
      assert.deepEqual(await untilTheEnd(peer), [])
    })

    for (const [what, xml, condition] of [['half an element', '<message>', 'not-well-formed'], ['an end tag of another name', '<a></b>', 'not-well-formed'],
      ['an entity declaration', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 'restricted-xml'], ['a comment', '<!-- a -->', 'restricted-xml']] as const) {
      if (!refusesBadXmlItself && (delimitsElements || xml !== '<message>')) on(`${what} is a fault (${condition}), and there is still a way to say so`, async ({ transport, peer }) => {
        const listener = new Listener(told => {
          if (told.startsWith('header')) transport.open({ id: 'i', from: 'example.net', to: null, lang: 'en', version: '1.0' })
          if (!told.startsWith('fault')) return
          transport.send(outbound('error'))
          transport.close(null)
        })
        transport.listen(listener)
        peer.send('header', xml)
        assert.equal(await peer.next(), 'header')
        assert.equal(idOf(await peer.next()), 'error')
        assert.equal(await peer.next(), 'footer')
        assert.deepEqual(listener.reported, ['header example.net', `fault ${condition}`])
      })
    }
  })
}
