// What BOSH does with what is sent to a client within one turn of the event loop, when its next request comes within that turn.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noChannelBindings } from '../../src/sasl/channel-binding.ts'
import type { TransportEvents } from '../../src/stream/transport.ts'
import { readBody, scanWrapper } from '../../src/transport/bosh-body.ts'
import { BoshTransport, type RequestOrigin } from '../../src/transport/bosh.ts'
import { Outbox } from '../../src/transport/outbox.ts'
import { parse } from '../../src/xml/parse.ts'
import { defaultXmlLimits } from '../../src/xml/limits.ts'
import { Scanner } from '../../src/xml/scanner.ts'
import { TurnedClock } from '../support/turned-clock.ts'

const origin: RequestOrigin = { secure: true, remoteAddress: '127.0.0.1', certificate: () => ({ kind: 'none' }), channelBindings: () => noChannelBindings, fingerprint: null }

test('stanza 12 over BOSH broke when it ended its session: what is sent to a client that then terminates answers the request that was held, not the last one', () => {
  const transport = new BoshTransport(1, origin, {
    creation: { sid: 'sid', wait: 60, hold: 1, requests: 2, inactivity: 60, polling: 5, maxPause: 120, ver: '1.11', content: null },
    limits: { requests: 2, hold: 1, wait: 60_000, inactivity: 60_000, maxPause: 120_000, polling: 0, maxDeferredBytes: 100_000, maxResponseBytes: 100_000, acks: false },
    stateTimeout: 1_000, maxBytes: 99_000,
  }, { maxUnreadBytes: 1_000_000, outbox: new Outbox(), clock: new TurnedClock() }, { over: () => undefined, gone: () => undefined })
  const events: TransportEvents = {
    header: () => { transport.open({ id: 'stream', from: null, to: null, lang: 'en', version: '1.0' }) },
    inbound: () => undefined, fault: () => undefined, footer: () => { transport.close(null) }, lost: () => undefined,
  }
  transport.listen(events)
  const scanner = new Scanner(defaultXmlLimits, true)
  const answers: (readonly [number, string | null, readonly string[]])[] = []
  const request = (rid: number, attributes: string) => {
    const bytes = Buffer.from(`<body xmlns='http://jabber.org/protocol/httpbind' rid='${rid}' ${attributes}/>`)
    transport.request(readBody(scanWrapper(bytes, scanner)), bytes.length, origin, {
      respond(body) {
        const answer = parse(body)
        answers.push([rid, answer.attributes.get('type') ?? null, answer.children.map(({ local }) => local)])
      },
    })
  }
  request(1, "to='example.net' wait='60' hold='1' ver='1.11'")
  request(2, "sid='sid'")
  transport.send(Buffer.from("<message xmlns='jabber:client'/>"))
  request(3, "sid='sid' type='terminate'")
  assert.deepEqual(answers.slice(-2), [[2, null, ['message']], [3, 'terminate', []]])
})
