// An embedded domain with sessions whose streams are in the test's hands: the routing rules without a network, over a store in memory.
import type { Feature } from '../../src/embedded/feature.ts'
import type { Neighbourhood } from '../../src/embedded/neighbourhood.ts'
import type { FeatureOptions } from '../../src/embedded/options.ts'
import { featuresWithout } from '../../src/embedded/catalogue.ts'
import type { Attachment } from '../../src/session/domain.ts'
import { Session } from '../../src/session/session.ts'
import type { OutboundStream } from '../../src/stream/stream-services.ts'
import { bare } from './external-certificate.ts'
import { defaultOptions, neighbourhood } from './neighbourhood.ts'
import { principalOf, RecordedOutbound, stanza } from './recorded-outbound.ts'
import { RememberedStore } from './remembered-store.ts'
import { recordingLog, settled, TurnedClock } from './turned-clock.ts'

export interface Guest {
  readonly jid: string
  readonly session: Session
  readonly outbound: RecordedOutbound
  readonly attachment: Attachment
  readonly say: (xml: string) => void
}

export class SmallHouse {
  readonly clock = new TurnedClock()
  readonly store: RememberedStore
  readonly events: ReturnType<typeof recordingLog>['events']
  readonly #neighbourhood: Neighbourhood

  /** `store`: another house's, after which this one comes. */
  constructor({ features, options = {}, store = new RememberedStore() }:
    { readonly features?: readonly Feature[], readonly options?: Partial<FeatureOptions>, readonly store?: RememberedStore } = {}) {
    this.store = store
    const { log, events } = recordingLog()
    const all = { ...defaultOptions, ...options }
    this.events = events
    this.#neighbourhood = neighbourhood({ store: this.store, clock: this.clock, log, options: all, features: features ?? featuresWithout(all.disabled) })
  }

  /** `onSend` is called before something is written to that guest. */
  async enter(user: string, resource: string, onSend: (session: Session) => void = () => undefined): Promise<Guest> {
    const outbound = new RecordedOutbound()
    const [domain] = this.#neighbourhood.domains
    if (domain === undefined) throw new Error('no domain')
    const principal = principalOf(bare(`${user}@example.net`))
    const jid = await domain.bind(principal, resource)
    const stream: OutboundStream = {
      facts: outbound.facts,
      send: wire => { onSend(session); outbound.send(wire) },
      say: markup => { outbound.say(markup) },
      hasRoomFor: bytes => outbound.hasRoomFor(bytes),
      whenSent: act => { outbound.whenSent(act) },
      pause: milliseconds => { outbound.pause(milliseconds) },
      end: error => { outbound.end(error) },
      fail: error => { outbound.fail(error) },
    }
    const session: Session = new Session(jid, principal, stream, null, () => undefined)
    const attachment = domain.attach(session)
    session.attach(attachment)
    return { jid, session, outbound, attachment, say: xml => { session.receive(stanza(xml)) } }
  }

  /** Settles when everything that was sent is dealt with. */
  async idle(): Promise<void> {
    await this.#neighbourhood.idle()
    await settled()
  }
}
