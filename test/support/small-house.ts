// An embedded domain with sessions whose streams are in the test's hands: the routing rules without a network.
import { features } from '../../src/embedded/catalogue.ts'
import { EmbeddedDomain } from '../../src/embedded/embedded-domain.ts'
import type { Feature } from '../../src/embedded/feature.ts'
import { IqDispatch } from '../../src/embedded/iq-dispatch.ts'
import { Router } from '../../src/embedded/router.ts'
import { Session } from '../../src/session/session.ts'
import type { OutboundStream } from '../../src/stream/stream-services.ts'
import { fullJid } from '../../src/xmpp/jid.ts'
import { bare } from './external-certificate.ts'
import { principalOf, RecordedOutbound, stanza } from './recorded-outbound.ts'
import { domainpart } from './stream-rig.ts'
import { TurnedClock } from './turned-clock.ts'

export interface Guest {
  readonly jid: string
  readonly session: Session
  readonly outbound: RecordedOutbound
  readonly say: (xml: string) => void
}

export class SmallHouse {
  readonly clock = new TurnedClock()
  readonly #domain: EmbeddedDomain

  constructor(spoken: readonly Feature[] = features) {
    const router = new Router(new Set(['example.net']), new IqDispatch(spoken, { name: 'Meerkat', version: '1.2.3' }), this.clock)
    this.#domain = new EmbeddedDomain(domainpart('example.net'), router, () => 'made')
  }

  /** `onSend` is called before something is written to that guest. */
  enter(user: string, resource: string, onSend: (session: Session) => void = () => undefined): Guest {
    const outbound = new RecordedOutbound()
    const account = bare(`${user}@example.net`)
    const jid = fullJid(account, resource)
    const stream: OutboundStream = {
      facts: outbound.facts,
      send: wire => { onSend(session); outbound.send(wire) },
      say: markup => { outbound.say(markup) },
      pause: milliseconds => { outbound.pause(milliseconds) },
      end: error => { outbound.end(error) },
    }
    const session: Session = new Session(jid, principalOf(account), stream, null, () => undefined)
    session.attach(this.#domain.attach(session))
    return { jid, session, outbound, say: xml => { session.receive(stanza(xml)) } }
  }
}
