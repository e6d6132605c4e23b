// A session manager over an embedded domain, and clients whose transports are in the test's hands: they log in, enable stream management and resume.
import { pki } from '../../src/auth/backends/pki.ts'
import { BackendDispatch } from '../../src/auth/dispatch.ts'
import type { Accounts } from '../../src/embedded/accounts.ts'
import { SessionManager, type SessionManagerOptions } from '../../src/session/session-manager.ts'
import { noTraffic } from '../../src/telemetry/traffic.ts'
import type { Certificate } from '../../src/x509/certificate.ts'
import type { CertificateVerdict } from '../../src/x509/verdict.ts'
import { NS_BIND, NS_CLIENT, NS_SASL, NS_SM } from '../../src/xmpp/namespaces.ts'
import { bare, certificateWith } from './external-certificate.ts'
import { neighbourhood } from './neighbourhood.ts'
import { passwordLogin, RememberedAccounts } from './password-login.ts'
import { RecordedTransport } from './recorded-transport.ts'
import { noAccount, RememberedStore } from './remembered-store.ts'
import { domainpart, StreamRig } from './stream-rig.ts'
import { recordingLog, settled, TurnedClock } from './turned-clock.ts'

const name = domainpart('example.net')

export const certificateOf = (user: string): Certificate => certificateWith({ xmppAddrs: [`${user}@example.net`] })

export class ResumingHouse {
  readonly clock = new TurnedClock()
  readonly manager: SessionManager
  readonly store = new RememberedStore()
  readonly accounts: Accounts
  readonly idle: () => Promise<void>
  readonly events: ReturnType<typeof recordingLog>['events']

  constructor(options: Partial<SessionManagerOptions> = {}) {
    const { clock, store } = this
    const { log, events } = recordingLog()
    this.events = events
    const backends = new BackendDispatch({ backends: [pki, new RememberedAccounts({ 'alice@example.net': 'pencil' })], timeoutMilliseconds: 1_000, clock: new TurnedClock(), log })
    let ids = 0
    const newId = () => { ids += 1; return `id-${ids}` }
    const house = neighbourhood({ clock, log, newId, store })
    const { domains } = house
    this.accounts = house.accounts
    this.idle = () => house.idle()
    this.manager = new SessionManager({
      hosts: domains.map(domain => ({ domain, mechanisms: ['external', 'plain'] as const,
        saslContext: peer => ({ ...peer, ...passwordLogin(), domain: name, backends, external: { modes: ['standard'], commonName: { prefix: '', suffix: '' } } }) })),
      resourceConflict: 'close_old', maxSessionsPerAccount: 10, rate: null,
      resumption: { seconds: 300, location: null, maxStanzas: 1_000, maxBytes: 1_048_576 }, holdsPresence: true,
      newId, clock, log, traffic: noTraffic(), ...options,
    })
  }

  /** A client that has logged in and may bind, or resume. `verdict` is asked anew whenever the gateway wants to know. */
  arrive(user: string, verdict: () => CertificateVerdict = () => ({ kind: 'accepted', certificate: certificateOf(user) })): RecordedTransport {
    const transport = this.#open(verdict)
    transport.say(StreamRig.auth())
    return this.#restart(transport, user)
  }

  async arriveByPassword(user: string, password: string): Promise<RecordedTransport> {
    const transport = this.#open(() => ({ kind: 'none' }))
    transport.say(`<auth xmlns='${NS_SASL}' mechanism='PLAIN'>${Buffer.from(`\0${user}\0${password}`).toString('base64')}</auth>`)
    // Passwords are compared in another thread.
    for (const deadline = Date.now() + 10_000; transport.sent.length === 0 && Date.now() < deadline;) await settled()
    return this.#restart(transport, user)
  }

  static bind(transport: RecordedTransport, resource = 'r'): RecordedTransport {
    transport.say(`<iq xmlns='${NS_CLIENT}' type='set' id='b'><bind xmlns='${NS_BIND}'><resource>${resource}</resource></bind></iq>`)
    transport.heard()
    return transport
  }

  /** Returns the id. */
  static enable(transport: RecordedTransport): string {
    transport.say(`<enable xmlns='${NS_SM}' resume='true'/>`)
    return transport.heardOne().attributes.get('id') ?? ''
  }

  static resume(transport: RecordedTransport, id: string, h = 0): readonly string[] {
    transport.say(`<resume xmlns='${NS_SM}' previd='${id}' h='${h}'/>`)
    return transport.heard()
  }

  #open(verdict: () => CertificateVerdict): RecordedTransport {
    const transport = new RecordedTransport(verdict)
    this.manager.accept(transport)
    transport.header()
    transport.heard()
    return transport
  }

  /** Binding waits for nothing: what is kept of the account is in memory. */
  #restart(transport: RecordedTransport, user: string): RecordedTransport {
    const account = bare(`${user}@example.net`)
    if (this.accounts.get(account) === undefined) this.accounts.adopt(account, { ...noAccount, isKnown: true })
    if (!transport.sent.some(text => text.startsWith('<success'))) throw new Error(`no login: ${transport.sent.join('')}`)
    transport.header()
    transport.heard()
    return transport
  }
}
