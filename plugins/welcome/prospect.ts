/** What would come of a log-in by certificate (external.md §2 to §5): found out by the mechanism itself: no second opinion. */
import { mechanismNamed, offered, type MechanismKey } from '../../src/sasl/catalogue.ts'
import type { Mechanism, SaslContext, SaslPeer, SaslStep } from '../../src/sasl/mechanism.ts'
import type { Domainpart } from '../../src/xmpp/jid.ts'
import { maxShown } from './shown-certificate.ts'
import { visible } from './visible.ts'

/** A host of this server, as far as a log-in to it is concerned. */
export interface ProspectHost {
  readonly name: Domainpart
  readonly mechanisms: readonly MechanismKey[]
  saslContext(peer: SaslPeer): SaslContext
}

export interface Prospect {
  readonly host: string
  /** EXTERNAL stands among the mechanisms of this host, for this visitor. */
  readonly isOffered: boolean
  /** Whom the visitor may become. `authzid`: what the client has to send for it; null for nothing. */
  readonly users: readonly { readonly jid: string, readonly authzid: string | null }[]
  /** Why a log-in without authzid fails, in the mechanism's own words; null when it does not. */
  readonly obstacle: { readonly condition: string, readonly text: string } | null
  /** The server takes the client's word for its name (`auth_id`): some authzid will do. */
  readonly takesAnyName: boolean
}

export async function prospectAt(host: ProspectHost, peer: SaslPeer): Promise<Prospect> {
  const mechanism = mechanismNamed('EXTERNAL', host.mechanisms)
  if (mechanism === null) {
    const obstacle = { condition: 'invalid-mechanism', text: 'SASL EXTERNAL is not configured here (auth.sasl_mechanisms).' }
    return { host: host.name, isOffered: false, users: [], obstacle, takesAnyName: false }
  }
  const context = host.saslContext(peer)
  const isOffered = offered(context, host.mechanisms).includes(mechanism)
  const unasked = await attempt(mechanism, context, '')
  if (unasked.kind === 'success') {
    return { host: host.name, isOffered, users: [{ jid: unasked.principal.account, authzid: null }], obstacle: null, takesAnyName: false }
  }
  const verdict = peer.certificate()
  const addresses = verdict.kind === 'accepted' ? verdict.certificate.xmppAddrs : []
  const users: Prospect['users'][number][] = []
  // With one address, asking for it comes to the same as not asking.
  for (const address of addresses.length > 1 ? addresses.slice(0, maxShown) : []) {
    const asked = await attempt(mechanism, context, address)
    if (asked.kind === 'success') users.push({ jid: asked.principal.account, authzid: address })
  }
  const takesAnyName = isOffered && addresses.length === 0 && context.external.modes.includes('auth_id')
  return { host: host.name, isOffered, users, obstacle: obstacleOf(unasked), takesAnyName }
}

/** RFC 6120 §6.4.2: with an initial response EXTERNAL is one step. */
const attempt = async (mechanism: Mechanism, context: SaslContext, authzid: string): Promise<SaslStep> =>
  mechanism.begin(context, { mechanisms: [], channelBindings: [] }).step(Buffer.from(authzid))

function obstacleOf(step: Exclude<SaslStep, { kind: 'success' }>): NonNullable<Prospect['obstacle']> {
  if (step.kind === 'challenge') return { condition: 'malformed-request', text: 'The mechanism wanted more than one step.' }
  // Without a text it is a backend that said no, and what it says stays in the log: it may tell whether an account exists.
  return { condition: step.condition, text: visible(step.text ?? 'The account was refused. The reason is in the log of the server.') }
}
