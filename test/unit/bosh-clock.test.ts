// BOSH measures time that passes: a clock that is set, forwards or back, ends no session and keeps nobody waiting (bad-input.md: no hang beyond `wait` + 5 s).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { noChannelBindings } from '../../src/sasl/channel-binding.ts'
import type { TransportEvents } from '../../src/stream/transport.ts'
import type { Timer } from '../../src/telemetry/clock.ts'
import { readBody, scanWrapper } from '../../src/transport/bosh-body.ts'
import { BoshTransport, type RequestOrigin } from '../../src/transport/bosh.ts'
import { Outbox } from '../../src/transport/outbox.ts'
import { parse } from '../../src/xml/parse.ts'
import { defaultXmlLimits } from '../../src/xml/limits.ts'
import { Scanner } from '../../src/xml/scanner.ts'
import { TurnedClock } from '../support/turned-clock.ts'

const origin: RequestOrigin = { secure: true, remoteAddress: '127.0.0.1', certificate: () => ({ kind: 'none' }), channelBindings: () => noChannelBindings, fingerprint: null }
const [hour, wait, inactivity] = [3_600_000, 60_000, 30_000]
const jumps = [-hour, 2 * 60_000, 3_650 * 24 * hour]

/** As those of Node, whose timers are rounded to whole milliseconds. */
class HastyClock extends TurnedClock {
  override after(milliseconds: number, act: () => void): Timer { return super.after(Math.max(0, Math.ceil(milliseconds) - 0.75), act) }
}

/** A session of wait 60 and hold 1, whose request 1 has been answered. */
function begun(clock = new TurnedClock()) {
  const happened: string[] = []
  const answers: string[] = []
  const transport = new BoshTransport(1, origin, {
    creation: { sid: 'sid', wait: 60, hold: 1, requests: 2, inactivity: 30, polling: 5, maxPause: 120, ver: '1.11', content: null },
    limits: { requests: 2, hold: 1, wait, inactivity, maxPause: 120_000, polling: 5_000, maxDeferredBytes: 100_000, maxResponseBytes: 100_000, acks: true },
    stateTimeout: 1_000, maxBytes: 99_000,
  }, { maxUnreadBytes: 1_000_000, outbox: new Outbox(), clock }, { over: () => undefined, gone: () => { happened.push('gone') } })
  const events: TransportEvents = {
    header: () => { transport.open({ id: 'stream', from: null, to: null, lang: 'en', version: '1.0' }) },
    inbound: () => { happened.push('stanza') }, fault: () => undefined, footer: () => { transport.close(null) }, lost: () => undefined,
  }
  transport.listen(events)
  const scanner = new Scanner(defaultXmlLimits, true)
  const request = (rid: number, attributes = "sid='sid'", children = '') => {
    const bytes = Buffer.from(`<body xmlns='http://jabber.org/protocol/httpbind' rid='${rid}' ${attributes}>${children}</body>`)
    transport.request(readBody(scanWrapper(bytes, scanner)), bytes.length, origin, {
      respond(body) {
        const { attributes } = parse(body)
        answers.push([rid, attributes.get('type'), attributes.get('condition'), attributes.has('report') ? `${attributes.get('report')} ${attributes.get('time')}` : undefined].filter(Boolean).join(' '))
      },
    })
  }
  const stanza = () => { transport.send(Buffer.from("<message xmlns='jabber:client'/>")); transport.release() }
  request(1, "to='example.net' wait='60' hold='1' ver='1.11' ack='1'")
  stanza()
  assert.deepEqual(answers.splice(0), ['1'])
  return { clock, transport, happened, answers, request, stanza }
}

for (const jump of jumps) {
  describe(`a clock that is set by ${jump / 1_000} s`, () => {
    test('while a request is held: it is answered after `wait`, and not before', () => {
      const { clock, answers, request } = begun()
      request(2)
      clock.advance(1_000)
      clock.jump(jump)
      clock.advance(wait - 1_001)
      assert.deepEqual(answers, [])
      clock.advance(1)
      assert.deepEqual(answers, ['2'])
    })

    test('while none is held: the session is there for the whole inactivity period, and not longer', () => {
      const { clock, happened, answers, request, stanza } = begun()
      clock.advance(1_000)
      clock.jump(jump)
      stanza()
      clock.advance(inactivity - 1_001)
      request(2)
      assert.deepEqual([happened, answers], [[], ['2']])
      clock.jump(jump)
      clock.advance(inactivity - 1)
      assert.deepEqual(happened, [])
      clock.advance(1)
      assert.deepEqual(happened, ['gone'])
    })

    test('while a client that sent too fast is made to wait: it waits as long as it was told', () => {
      const { clock, transport, happened, request } = begun()
      transport.pause(500)
      clock.jump(jump)
      request(2, "sid='sid'", "<message xmlns='jabber:client'/>")
      clock.advance(499)
      assert.deepEqual(happened, [])
      clock.advance(1)
      assert.deepEqual(happened, ['stanza'])
    })

    test('polls are as far apart as they were (XEP-0124 §12)', () => {
      const { clock, answers, request } = begun()
      request(2)
      clock.jump(jump)
      request(3)
      assert.deepEqual(answers, ['2 terminate other-request', '3 terminate policy-violation'])
    })
  })
}

test('a timer that comes a fraction of a millisecond early, as those of Node do, is set again for what is left', () => {
  const { clock, happened, answers, request } = begun(new HastyClock())
  request(2)
  clock.advance(wait - 0.5)
  assert.deepEqual(answers, [])
  clock.advance(1)
  assert.deepEqual(answers, ['2'])
  clock.advance(inactivity)
  assert.deepEqual([happened, clock.pending], [['gone'], 0])
})

test('how long ago a response was sent is told in whole milliseconds (XEP-0124 §9.2)', () => {
  const { clock, answers, request, stanza } = begun()
  request(2, "sid='sid' ack='1'")
  stanza()
  clock.advance(1_500)
  request(3, "sid='sid' ack='1'")
  assert.deepEqual(answers, ['2', '3 2 1500'])
})
