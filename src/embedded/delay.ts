/** Delayed delivery (XEP-0203): a stanza that comes late says when it was sent first. */
import { withoutChildren } from '../xml/children.ts'
import { isWithin } from '../xml/span.ts'
import { withChild } from '../xml/splice.ts'
import { tag } from '../xml/write.ts'
import { type Domainpart, parseJid } from '../xmpp/jid.ts'
import { readStanza, type Stanza } from '../xmpp/stanza.ts'

const NS_DELAY = 'urn:xmpp:delay'

/** `at` in milliseconds since the epoch. §2: `from` is who delayed it, and the time is UTC. */
export const delayed = ({ wire }: Stanza, from: Domainpart, at: number): Uint8Array =>
  withChild(wire, tag('delay', { xmlns: NS_DELAY, from, stamp: new Date(at).toISOString() }))

/** §5: without what its client claims that one of our `domains` has delayed. The very stanza where nothing is claimed, which costs nothing if it has one child. */
export function withoutForgedDelay(stanza: Stanza, domains: ReadonlySet<string>): Stanza {
  const { kind, wire } = stanza
  if (wire.childCount === 0 || kind === 'iq' || (wire.childCount === 1 && wire.firstChild?.local !== 'delay')) return stanza
  // The name stands there as it is; the namespace may be written with references.
  if (!isWithin(wire.bytes, wire.start, wire.end, 'delay')) return stanza
  const left = withoutChildren(wire, child => child.ns === NS_DELAY && child.local === 'delay' && domains.has(parseJid(child.attribute('from') ?? '') ?? ''))
  return left === wire ? stanza : readStanza(left) ?? stanza
}
