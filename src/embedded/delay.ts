/** Delayed delivery (XEP-0203): a stanza that comes late says when it was sent first. */
import { withChild } from '../xml/splice.ts'
import { tag } from '../xml/write.ts'
import type { Domainpart } from '../xmpp/jid.ts'
import type { Stanza } from '../xmpp/stanza.ts'

const NS_DELAY = 'urn:xmpp:delay'

/** `at` in milliseconds since the epoch. §2: `from` is who delayed it, and the time is UTC. One that we have delayed before says already when it was sent first. */
export function delayed(stanza: Stanza, from: Domainpart, at: number): Uint8Array {
  const { wire } = stanza
  if (wire.childCount > 0 && stanza.element().children.some(({ ns, local, attributes }) => ns === NS_DELAY && local === 'delay' && attributes.get('from') === from)) {
    return wire.bytes.subarray(wire.start, wire.end)
  }
  return withChild(wire, tag('delay', { xmlns: NS_DELAY, from, stamp: new Date(at).toISOString() }))
}
